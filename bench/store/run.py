"""What a training run is, and the key that names its result."""

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
        method: the method's name, without hyper-parameters.
        hyper_parameters: all of them, by name.
        noise: the name of the noise model.
        parameter: of the noise model; where it is withheld, the range of the training images' parameters.
        training_images: the training set's name.
        fingerprint: of the training set's pixels.
    """

    method: str
    hyper_parameters: dict[str, Any]
    noise: str
    parameter: float | tuple[float, float]
    training_images: str
    fingerprint: str


# Dataclasses take fields from the last base class first, which is their order in run.json.
@dataclass(frozen=True, kw_only=True)
class Run(TrainingSettings, Task):
    """One training run: all that decides its weights.

    Args:
        seed: of weights, patches and noise.
        training_noise: frozen or resampled.
        precision: of the U-Net's arithmetic in training.
        device: the device class, ``cpu``, ``cuda`` or ``mps``.

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
        """Name the result: 16 hex digits over the run, the method's source file and the protocol.

        Args:
            source_hash: sha256 of the file in which the method is written.
        """
        identity = {"run": asdict(self), "source": source_hash, "protocol": PROTOCOL_VERSION}
        canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]
