"""The context in which jobs are executed, and the interface for showing their progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from bench.settings import CHECKPOINT_EVERY
from bench.system.signals import StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

    from bench.images.image_set import ImageSet
    from bench.runs.plan import Job
    from bench.scoring.metrics import Lpips
    from bench.store.store import Store
    from bench.training.engine import Engine


@dataclass(frozen=True)
class RunContext:
    """The context in which jobs are executed.

    Args:
        training_images: training set.
        test_images: test sets.
        device: device to train on.
        store: store for the runs.
        lpips: the metric, or the reason why it is missing.
        engine: engine that launches the training steps.
        evaluations: number of evaluations during a run, on the first test set.
        checkpoint_every: seconds between two checkpoints of a training run.
        on_checkpoint: called with the file of each checkpoint after it is written.
        stop: whether a stop was requested.
        place: fields of the record that describe where jobs are executed, in addition to code and hardware.
    """

    training_images: ImageSet
    test_images: tuple[ImageSet, ...]
    device: torch.device
    store: Store
    lpips: Lpips | str
    engine: Engine = "eager"
    evaluations: int = 0
    checkpoint_every: float = CHECKPOINT_EVERY
    on_checkpoint: Callable[[Path], None] | None = None
    stop: StopRequest = field(default_factory=StopRequest)
    place: dict[str, Any] = field(default_factory=dict)


class Watcher(Protocol):
    """Shows the progress of jobs."""

    def started(self, job: Job) -> None:
        """A job starts."""

    def progressed(self, job: Job, entry: dict[str, Any]) -> None:
        """A training run reports step, loss, learning rate and seconds."""

    def warned(self, job: Job, text: str) -> None:
        """A job has a problem that does not stop it."""

    def ended(self, job: Job, outcome: str) -> None:
        """A job ends: ``trained``, ``stored`` (nothing to do), ``scored`` (no training), ``failed: why``."""
