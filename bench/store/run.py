"""The definition of a training run, and the key of its result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from bench.protocol import PROTOCOL_VERSION
from bench.settings import Precision, TrainingNoise, TrainingSettings, require_at_least


@dataclass(frozen=True, kw_only=True)
class Task:
    """A method and the noisy images that it learns from.

    Args:
        method: name of the method, without hyper-parameters.
        hyper_parameters: all hyper-parameters, by name.
        noise: name of the noise model.
        parameter: parameter of the noise model; if it is withheld, the range for the training images.
        training_images: name of the training set.
        fingerprint: fingerprint of the training set's pixels.
    """

    method: str
    hyper_parameters: dict[str, Any]
    noise: str
    parameter: float | tuple[float, float]
    training_images: str
    fingerprint: str


# Dataclasses take fields from the last base class first; run.json has the same order.
@dataclass(frozen=True, kw_only=True)
class Run(TrainingSettings, Task):
    """One training run: all settings that determine its weights.

    Args:
        seed: seed of weights, patches and noise.
        training_noise: frozen or resampled.
        precision: precision of the U-Net's arithmetic in training.
        device: the type of device, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        InputError: a number is too small, or not finite.
    """

    seed: int
    training_noise: TrainingNoise
    precision: Precision
    device: str

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(0, "seed", self.seed)

    def key(self, source_hash: str) -> str:
        """Return the key of the result: 16 hex digits, a hash over run, method source and protocol.

        Args:
            source_hash: sha256 of the method's source file.
        """
        identity = {"run": asdict(self), "source": source_hash, "protocol": PROTOCOL_VERSION}
        canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]
