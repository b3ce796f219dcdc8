"""The one training loop: every method, on every device."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from bench.protocol import LEARNING_RATE
from bench.system.counters import count_memory, count_work
from bench.system.stopwatch import Stopwatch
from bench.training.checkpoint import BEGINNING, Checkpoint
from bench.training.engine import Engine, open_step
from bench.training.memory import room_for
from bench.training.step import TrainingError

if TYPE_CHECKING:
    from torch import Tensor

    from bench.method import Batch, Method
    from bench.settings import Precision
    from bench.training.checkpoint import Checkpointer
    from bench.training.patches import Patches
    from bench.training.unet import UNet

LOG_EVERY = 20

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Cost:
    """What a training cost, evaluation apart.

    Args:
        seconds: on the wall.
        patches_per_second: the mean rate.
        flops: floating-point operations of the network, forward and backward.
        peak_bytes: the most memory that the tensors of a step take at a time, beside weights and images; None
            where the device does not count it.
        engine: how the steps were launched.
    """

    seconds: float
    patches_per_second: float
    flops: int
    peak_bytes: int | None
    engine: Engine

    @classmethod
    def none(cls, engine: Engine) -> Cost:
        """Give the cost of what is not trained."""
        return cls(seconds=0.0, patches_per_second=0.0, flops=0, peak_bytes=0, engine=engine)


@dataclass(frozen=True)
class EvaluationPoints:
    """Steps after which training stops its clock and is looked at.

    Args:
        steps: counted from 1.
        look: called with the step, the seconds and the floating-point operations so far.
    """

    steps: frozenset[int]
    evaluate_midway: Callable[[int, float, int], None]


def train(  # noqa: PLR0913 - one argument per thing that a run decides
    net: UNet,
    method: Method,
    patches: Patches,
    *,
    precision: Precision,
    device: torch.device,
    report: Report,
    engine: Engine = "eager",
    learning_rate: float = LEARNING_RATE,
    evaluation_points: EvaluationPoints | None = None,
    saving: Checkpointer | None = None,
) -> Cost:
    """Train a network in place by Adam, with a one-cycle cosine schedule; the last weights count.

    Args:
        net: on ``device``.
        method: gives the loss.
        patches: gives the batch of each step.
        precision: of the network's arithmetic; losses and weights are float32 always.
        device: where to train.
        report: called every few steps with step, mean loss, learning rate and seconds.
        engine: how steps are launched; see ``resolve_engine``.
        learning_rate: the highest of the schedule.
        evaluation_points: where to look at the network in between.
        saving: keeps checkpoints, from the last of which the training goes on to the very same weights, where
            the device computes the same twice; CUDA does not promise to.

    Raises:
        Interrupted: someone asked to stop; a checkpoint is kept.
        OutOfMemoryError: the memory does not suffice.
        TrainingError: the loss has a wrong shape, does not depend on the network, or is not finite.
    """
    sampling = patches.sampling
    step_once = open_step(
        net,
        method,
        sampling=sampling,
        precision=precision,
        device=device,
        engine=engine,
        learning_rate=learning_rate,
    )
    first = patches(0)
    with room_for(step_once, first, device):
        flops = count_work(lambda: step_once.dry_run(first)).flops
        peak_bytes = count_memory(lambda: step_once.dry_run(first), device)
        start = saving.found if saving else BEGINNING
        if start is not BEGINNING:
            step_once.restore(start.tensors, start.step)
        pending: list[Tensor] = [torch.tensor(loss, device=device) for loss in start.pending]
        last_finite = start.last_finite
        clock = Stopwatch(device, earlier=start.seconds)
        for step in range(start.step, sampling.steps):
            _look(evaluation_points, step, clock, flops)
            with saving.stop.deferred() if saving else nullcontext():
                pending.append(step_once(step, patches(step)))
                done = step + 1
                last = done == sampling.steps
                if len(pending) == LOG_EVERY or last:
                    values = torch.stack(pending).tolist()
                    pending.clear()
                    last_finite = _check_finite(values, done, patches, last_finite=last_finite)
                    mean = sum(values) / len(values)
                    rate = step_once.learning_rate
                    report({"step": done, "loss": mean, "learning_rate": rate, "seconds": clock.seconds})
                if saving and (
                    saving.due() or last or (evaluation_points and done in evaluation_points.steps)
                ):
                    seconds = clock.seconds
                    losses = [float(loss) for loss in pending]
                    _check_finite(losses, done, patches, last_finite=last_finite)
                    with clock.stopped():
                        saving.save(Checkpoint(done, seconds, losses, last_finite, step_once.state()))
        _look(evaluation_points, sampling.steps, clock, flops)
    seconds = clock.seconds
    rate = sampling.steps * sampling.batch / seconds
    return Cost(seconds, rate, sampling.steps * flops, peak_bytes, engine)


def _look(evaluation_points: EvaluationPoints | None, done: int, clock: Stopwatch, flops: int) -> None:
    """Look at the network, if so many steps are a milestone, while the clock stands still."""
    if evaluation_points and done in evaluation_points.steps:
        seconds = clock.seconds
        with clock.stopped():
            evaluation_points.evaluate_midway(done, seconds, done * flops)


def _check_finite(values: list[float], done: int, patches: Patches, *, last_finite: float) -> float:
    """Return the last loss, or raise at the first that is not finite."""
    for offset, value in enumerate(values):
        if not math.isfinite(value):
            step = done - len(values) + offset
            finite = _is_finite(patches(step))
            cause = "the loss of finite patches" if finite else "patches that are not finite"
            raise TrainingError(
                f"the loss became {value} at step {step + 1} of {patches.sampling.steps}, from {cause}; "
                f"the loss before was {last_finite:.4g}"
            )
        last_finite = value
    return last_finite


def _is_finite(batch: Batch) -> bool:
    return all(bool(torch.isfinite(image).all()) for image in batch.images.values())
