"""Checkpoints: how far a training has come, in one file, from which it goes on as if it had never stopped."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from bench.errors import InputError
from bench.system.files import write_durably

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from bench.system.signals import StopRequest


TOLD, SUM = "told", "sha256"


class DamagedCheckpointError(InputError):
    """A checkpoint that is not as it was written; the message names the file."""


@dataclass(frozen=True)
class Checkpoint:
    """A training after some steps.

    Args:
        step: how many steps are done.
        seconds: that they took.
        pending: the losses of steps since the last entry of the log.
        last_finite: the loss before them.
        tensors: all that the next step depends on, by name, on the CPU. Random numbers are keyed by the step,
            and need nothing stored.
    """

    step: int
    seconds: float
    pending: list[float]
    last_finite: float
    tensors: dict[str, Tensor]


BEGINNING = Checkpoint(step=0, seconds=0.0, pending=[], last_finite=math.nan, tensors={})


@dataclass
class TrainingLog:
    """What a training has told of itself.

    Args:
        log: one entry every few steps.
        curve: one row per look and test set.
        attempts: by what it was trained, one entry each time that it was begun or resumed, with the
            ``step`` from which.
    """

    log: list[dict[str, Any]] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Checkpointer:
    """Keeps the last checkpoint of a training.

    Args:
        path: of its file.
        every: seconds from one to the next.
        stop: whether someone asked to stop.
        found: the one that an earlier attempt left.
        journal: is kept with it.
        on_written: called with ``path`` after each.
    """

    path: Path
    every: float
    stop: StopRequest
    found: Checkpoint = BEGINNING
    journal: TrainingLog = field(default_factory=TrainingLog)
    on_written: Callable[[Path], None] | None = None
    saved: float = field(default_factory=time.monotonic)

    def due(self) -> bool:
        """Tell whether it is time for the next, since a while has passed or someone asked to stop."""
        return self.stop.asked is not None or time.monotonic() - self.saved >= self.every

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint in the place of the one before it.

        Raises:
            StorageError: it cannot be written; the one before it stays.
            Interrupted: it is written, and someone had asked to stop.
        """
        write_checkpoint(checkpoint, self.journal, self.path)
        if self.on_written:
            self.on_written(self.path)
        self.saved = time.monotonic()
        self.stop.end_if_asked()


def write_checkpoint(checkpoint: Checkpoint, journal: TrainingLog, path: Path) -> None:
    """Write a checkpoint in one step.

    Raises:
        StorageError: it cannot be written.
    """
    told = {name: value for name, value in vars(checkpoint).items() if name != "tensors"}
    history = {"log": journal.log, "curve": journal.curve, "sittings": journal.attempts}
    text = json.dumps(told | {"journal": history})
    tensors = {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}
    write_durably(path, save(tensors, {TOLD: text, SUM: _digest(text, tensors)}))


def read_checkpoint(path: Path) -> tuple[Checkpoint, TrainingLog]:
    """Read a checkpoint; the beginning where there is none.

    Raises:
        DamagedCheckpointError: it is cut off, or not what its checksum says.
    """
    if not path.is_file():
        return BEGINNING, TrainingLog()
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    except (OSError, SafetensorError) as error:
        raise DamagedCheckpointError(f"{path} is damaged: {error}") from error
    text = metadata.get(TOLD, "")
    if metadata.get(SUM) != _digest(text, tensors):
        raise DamagedCheckpointError(f"{path} is damaged: its sha256 is not the one that it holds")
    told = json.loads(text)
    history = told.pop("journal")
    journal = TrainingLog(history["log"], history["curve"], history["sittings"])
    return Checkpoint(**told, tensors=tensors), journal


def _digest(text: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
