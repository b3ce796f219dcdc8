"""Where and how jobs are executed, and the interface of what shows their progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

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

CHECKPOINT_EVERY = 60.0
"""Seconds; writing a checkpoint takes some hundredths of a second."""


@dataclass(frozen=True)
class RunContext:
    """Where and how jobs are executed.

    Args:
        training_images: the training set.
        test_images: the test sets.
        device: where to train.
        store: where runs are kept.
        lpips: the metric, or why it is missing.
        engine: how the training steps are launched.
        evaluations: how often a run is evaluated midway, on the first test set; 0: never.
        checkpoint_every: seconds from one checkpoint of a training run to the next.
        on_checkpoint: called with the file of each, once it is written.
        stop: whether someone asked to stop.
        place: fields of the record that say where jobs are executed, in addition to code and hardware.
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
        """A job begins."""

    def progressed(self, job: Job, entry: dict[str, Any]) -> None:
        """A job's training reports step, loss, learning rate and seconds."""

    def warned(self, job: Job, text: str) -> None:
        """A job has a problem that does not stop it."""

    def ended(self, job: Job, outcome: str) -> None:
        """A job ends: ``trained``, ``stored`` (nothing to do), ``scored`` (no training), ``failed: why``."""
