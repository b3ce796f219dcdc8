"""What a run is, and the key that names its result."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bench.errors import InputError
from bench.protocol import PROTOCOL_VERSION

if TYPE_CHECKING:
    from bench.method import Precision
    from bench.training.patches import TrainingNoise


@dataclass(frozen=True)
class Run:
    """One training: all that decides its weights.

    Args:
        method: the method's name, without hyper-parameters.
        hyper_parameters: all of them, by name.
        noise: the law's name.
        parameter: the law's parameter; where it is withheld, the range of the training pictures' parameters.
        training_images: the training set's name.
        fingerprint: of the training set's pixels.
        channels: 1 for grey, 3 for colour.
        width: of the U-Net.
        steps: of the optimiser.
        batch: patches of a step.
        patch: side of a patch, pixels.
        learning_rate: the highest of the schedule.
        seed: of weights, crops and noise.
        training_noise: frozen or resampled.
        precision: of the U-Net's arithmetic in training.
        device: the device class, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        InputError: a number is not positive, or not finite.
    """

    method: str
    hyper_parameters: dict[str, Any]
    noise: str
    parameter: float | tuple[float, float]
    training_images: str
    fingerprint: str
    channels: int
    width: int
    steps: int
    batch: int
    patch: int
    learning_rate: float
    seed: int
    training_noise: TrainingNoise
    precision: Precision
    device: str

    def __post_init__(self) -> None:
        for name, lowest in (("width", 2), ("steps", 1), ("batch", 1), ("patch", 2), ("seed", 0)):
            if getattr(self, name) < lowest:
                raise InputError(f"{name} must be at least {lowest}, but is {getattr(self, name)}")
        if not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning_rate must be finite and above 0, but is {self.learning_rate}")

    def key(self, source_hash: str) -> str:
        """Name the result: 16 hex digits over the run, the method's source file and the protocol.

        Args:
            source_hash: sha256 of the file in which the method is written.
        """
        identity = {"run": asdict(self), "source": source_hash, "protocol": PROTOCOL_VERSION}
        canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]
