"""Checkpoints: the state of a training run in one file, from which it resumes as if it never stopped."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass, field
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


RECORD, SHA256 = "record", "sha256"


class DamagedCheckpointError(InputError):
    """A checkpoint is damaged or from another version; the message names the file."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training run after some steps.

    Args:
        step: number of completed steps.
        seconds: seconds that they took.
        pending: losses since the last log entry.
        last_finite: the loss before those.
        tensors: everything that the next step depends on, by name, on the CPU. Random numbers are keyed by
            the step, so that no random state is stored.
    """

    step: int
    seconds: float
    pending: list[float]
    last_finite: float
    tensors: dict[str, Tensor]


BEGINNING = Checkpoint(step=0, seconds=0.0, pending=[], last_finite=math.nan, tensors={})


@dataclass
class TrainingLog:
    """The log of a training run.

    Args:
        entries: log entries, one every few steps, as reported by ``train``.
        curve: learning curve, one row per evaluation and test set.
        attempts: one entry per start or resume: hardware, versions, and the ``step`` at which it started.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Checkpointer:
    """Keeps the last checkpoint of a training run.

    Args:
        path: path of the checkpoint file.
        every: seconds between checkpoints.
        stop: whether a stop was requested.
        start: checkpoint of an earlier attempt, from which to resume.
        log: log to store with each checkpoint.
        on_written: called with ``path`` after each checkpoint.
    """

    path: Path
    every: float
    stop: StopRequest
    start: Checkpoint = BEGINNING
    log: TrainingLog = field(default_factory=TrainingLog)
    on_written: Callable[[Path], None] | None = None
    saved: float = field(default_factory=time.monotonic)

    def is_due(self) -> bool:
        """Check whether a checkpoint is due: enough seconds have passed, or a stop was requested."""
        return self.stop.received is not None or time.monotonic() - self.saved >= self.every

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint on disk.

        Raises:
            StorageError: it cannot be written; the previous one stays.
            Interrupted: it is written, and a stop was requested.
        """
        write_checkpoint(checkpoint, self.log, self.path)
        if self.on_written:
            self.on_written(self.path)
        self.saved = time.monotonic()
        self.stop.end_if_asked()


def write_checkpoint(checkpoint: Checkpoint, log: TrainingLog, path: Path) -> None:
    """Write a checkpoint in one step.

    Raises:
        StorageError: it cannot be written.
    """
    record = {name: value for name, value in vars(checkpoint).items() if name != "tensors"}
    text = json.dumps(record | {"log": asdict(log)})
    tensors = {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}
    write_durably(path, save(tensors, {RECORD: text, SHA256: _digest(text, tensors)}))


def read_checkpoint(path: Path) -> tuple[Checkpoint, TrainingLog]:
    """Read a checkpoint; if there is none, return ``BEGINNING`` and an empty log.

    Raises:
        DamagedCheckpointError: it is truncated, does not match its checksum, or is from another version.
    """
    if not path.is_file():
        return BEGINNING, TrainingLog()
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    except (OSError, SafetensorError) as error:
        raise DamagedCheckpointError(f"{path} is damaged: {error}") from error
    text = metadata.get(RECORD, "")
    if metadata.get(SHA256) != _digest(text, tensors):
        raise DamagedCheckpointError(
            f"{path} is damaged, or of an earlier version: its sha256 is not the one that it holds"
        )
    record = json.loads(text)
    log = TrainingLog(**record.pop("log"))
    return Checkpoint(**record, tensors=tensors), log


def _digest(text: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
