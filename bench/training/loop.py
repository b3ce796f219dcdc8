"""The training loop, which all methods share on all devices."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from bench.settings import DEFAULT_OPTIMISER
from bench.system.counters import count_memory, count_work
from bench.system.stopwatch import Stopwatch
from bench.training.checkpoint import BEGINNING, Checkpoint
from bench.training.engine import Engine, make_step
from bench.training.memory import out_of_memory_advice
from bench.training.passes import count_passes
from bench.training.step import TrainingError

if TYPE_CHECKING:
    from bench.method import Batch, Method
    from bench.settings import OptimiserSettings, Precision
    from bench.training.checkpoint import Checkpointer
    from bench.training.patches import Patches
    from bench.training.step import Step
    from bench.training.unet import UNet

LOG_EVERY = 20

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Cost:
    """The cost of a training run, without evaluation.

    Args:
        seconds: wall time in seconds.
        patches_per_second: mean over the run.
        flops: floating-point operations of the network, forward and backward.
        peak_bytes: peak memory of the tensors of a step, in addition to weights and images;
            None if the device does not count it.
        engine: engine that launched the steps.
        forward_passes: passes of each step through the network, in sizes of the batch of a method whose
            ``patch_scale`` is 1.
        backward_passes: likewise, passes of gradients.
        core_share: share of a core that the training thread had in the last attempt, 1 if it never waited
            for one; None on other devices than CPUs.
    """

    seconds: float
    patches_per_second: float
    flops: int
    peak_bytes: int | None
    engine: Engine
    forward_passes: float
    backward_passes: float
    core_share: float | None

    @classmethod
    def none(cls, engine: Engine) -> Cost:
        """Return the cost of a method that is not trained."""
        return cls(0.0, 0.0, 0, 0, engine, forward_passes=0.0, backward_passes=0.0, core_share=None)


@dataclass(frozen=True)
class EvaluationPoints:
    """Steps after which the network is evaluated while the training clock is stopped.

    Args:
        steps: counted from 1.
        evaluate_midway: called with the step, the seconds and the floating-point operations so far.
    """

    steps: frozenset[int]
    evaluate_midway: Callable[[int, float, int], None]


def train(  # noqa: PLR0913 - one argument per setting of a run
    net: UNet,
    method: Method,
    patches: Patches,
    *,
    precision: Precision,
    device: torch.device,
    report: Report,
    engine: Engine = "eager",
    optimiser: OptimiserSettings = DEFAULT_OPTIMISER,
    evaluation_points: EvaluationPoints | None = None,
    checkpointer: Checkpointer | None = None,
) -> Cost:
    """Train a network in place, with a one-cycle cosine schedule; the last weights count.

    Args:
        net: network on ``device``.
        method: method that computes the loss.
        patches: source of the batch of each step.
        precision: precision of the network's arithmetic; losses and weights are always float32.
        device: the device to train on.
        report: called every few steps with step, mean loss, learning rate and seconds.
        engine: engine that launches the steps; see ``resolve_engine``.
        optimiser: the optimiser, its peak learning rate and how it clips gradients.
        evaluation_points: steps at which the network is evaluated.
        checkpointer: writes checkpoints, and holds the one to resume from. A resumed run ends with identical
            weights if the device is deterministic, which CUDA does not guarantee.

    Raises:
        Interrupted: a stop was requested; a checkpoint is kept.
        OutOfMemoryError: there is not enough memory.
        TrainingError: the loss has a wrong shape, does not depend on the network, or is not finite.
    """
    step_once = make_step(
        net,
        method,
        sampling=patches.sampling,
        precision=precision,
        device=device,
        engine=engine,
        optimiser=optimiser,
    )
    first = patches(0)
    with out_of_memory_advice(step_once, first, device):
        with count_passes(net) as passes:
            flops = count_work(lambda: step_once.dry_run(first)).flops
        peak_bytes = count_memory(lambda: step_once.dry_run(first), device)
        run = _TrainingRun(step_once, patches, device, report, flops, evaluation_points, checkpointer)
        for step in range(run.done, run.steps):
            run.evaluate_if_due()
            with run.deferring_signals():
                run.update(step)
                run.log_if_due()
                run.save_if_due()
        run.evaluate_if_due()
    batch = next(iter(first.images.values())).numel() / method.patch_scale
    return run.cost(peak_bytes, engine, passes.over(batch))


class _TrainingRun:
    """The state of a training run besides its weights: completed steps, clock, and losses not logged yet.

    Losses stay on the device until they are logged, since reading one waits for the device.
    """

    def __init__(
        self,
        step_once: Step,
        patches: Patches,
        device: torch.device,
        report: Report,
        flops_per_step: int,
        evaluation_points: EvaluationPoints | None,
        checkpointer: Checkpointer | None,
    ) -> None:
        self.step_once, self.patches, self.report = step_once, patches, report
        self.steps = patches.sampling.steps
        self.flops_per_step = flops_per_step
        self.evaluation_points = evaluation_points
        self.checkpointer = checkpointer
        start = checkpointer.start if checkpointer else BEGINNING
        if start is not BEGINNING:
            step_once.restore(start.tensors, start.step)
        self.done = start.step
        self.pending = [torch.tensor(loss, device=device) for loss in start.pending]
        self.last_finite = start.last_finite
        self.clock = Stopwatch(device, earlier=start.seconds)

    def deferring_signals(self) -> AbstractContextManager[None]:
        """Defer stop requests until a checkpoint is saved, if checkpoints are kept."""
        return self.checkpointer.stop.deferred() if self.checkpointer else nullcontext()

    def update(self, step: int) -> None:
        """Take one step."""
        self.pending.append(self.step_once(step, self.patches(step)))
        self.done = step + 1

    def evaluate_if_due(self) -> None:
        """Evaluate the network at an evaluation point, with the clock stopped."""
        if self.evaluation_points and self.done in self.evaluation_points.steps:
            seconds = self.clock.seconds
            with self.clock.stopped():
                self.evaluation_points.evaluate_midway(self.done, seconds, self.done * self.flops_per_step)

    def log_if_due(self) -> None:
        """Report the mean of the pending losses every ``LOG_EVERY`` steps and after the last.

        Raises:
            TrainingError: a loss is not finite.
        """
        if len(self.pending) < LOG_EVERY and self.done < self.steps:
            return
        losses = self._read_pending()
        self.pending.clear()
        self.last_finite = losses[-1]
        entry = {"step": self.done, "loss": sum(losses) / len(losses)}
        entry["learning_rate"] = self.step_once.learning_rate
        self.report(entry | {"seconds": self.clock.seconds})

    def save_if_due(self) -> None:
        """Save a checkpoint when it is time, at evaluation points and after the last step.

        Raises:
            TrainingError: a loss is not finite.
        """
        if not self.checkpointer or not (
            self.checkpointer.is_due()
            or self.done == self.steps
            or (self.evaluation_points and self.done in self.evaluation_points.steps)
        ):
            return
        seconds = self.clock.seconds
        losses = self._read_pending()
        with self.clock.stopped():
            state = self.step_once.state()
            self.checkpointer.save(Checkpoint(self.done, seconds, losses, self.last_finite, state))

    def cost(self, peak_bytes: int | None, engine: Engine, passes: tuple[float, float]) -> Cost:
        """Return the cost of the run so far; ``passes`` are those of a step, forward and backward."""
        seconds = self.clock.seconds
        rate = self.steps * self.patches.sampling.batch / seconds
        flops, share = self.steps * self.flops_per_step, self.clock.core_share
        return Cost(seconds, rate, flops, peak_bytes, engine, *passes, share)

    def _read_pending(self) -> list[float]:
        """Read the pending losses, which must all be finite."""
        losses: list[float] = torch.stack(self.pending).tolist() if self.pending else []
        before = self.last_finite
        for step, loss in enumerate(losses, start=self.done - len(losses)):
            if not math.isfinite(loss):
                finite = _is_finite(self.patches(step))
                cause = "the loss of finite patches" if finite else "patches that are not finite"
                raise TrainingError(
                    f"the loss became {loss} at step {step + 1} of {self.steps}, from {cause}; "
                    f"the loss before was {before:.4g}"
                )
            before = loss
        return losses


def _is_finite(batch: Batch) -> bool:
    return all(bool(torch.isfinite(image).all()) for image in batch.images.values())
