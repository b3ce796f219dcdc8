"""Train the network of one run, with a few evaluations on the way."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.method import Untrained
from bench.scoring.denoiser import Denoiser
from bench.scoring.evaluate import mean_psnr
from bench.seeds import seed_of
from bench.system.files import storing, write_durably
from bench.training.loop import Cost, EvaluationPoints, train
from bench.training.patches import Patches, Sampling
from bench.training.precision import require_precision
from bench.training.unet import UNet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.runs.context import RunContext, Watcher
    from bench.runs.plan import Job
    from bench.scoring.noisy_sets import NoisySet
    from bench.training.checkpoint import Checkpointer


@dataclass(frozen=True)
class MidwayEvaluation:
    """Evaluates a denoiser during training, and adds one row per test set to its curve."""

    denoiser: Denoiser
    tests: list[NoisySet]
    curve: list[dict[str, Any]]

    def __call__(self, step: int, seconds: float, flops: int) -> None:
        """Evaluate after a step, unless an earlier attempt already did."""
        if any(row["step"] == step for row in self.curve):
            return
        for test in self.tests:
            row = {"step": step, "seconds": seconds, "flops": float(flops)}
            psnr = mean_psnr(self.denoiser, test)
            self.curve.append(row | {"parameter": test.noise.parameter, "images": test.name, "psnr": psnr})


@dataclass(frozen=True)
class LogFile:
    """The log of a training run, one JSON object per line; the watcher receives the entries too.

    Args:
        path: path of the file, which initially contains the entries of earlier attempts.
        entries: entries of earlier attempts; new ones are appended.
        job: job of the run.
        watcher: receives each new entry.
    """

    path: Path
    entries: list[dict[str, Any]]
    job: Job
    watcher: Watcher

    def __post_init__(self) -> None:
        self.path.unlink(missing_ok=True)
        if self.entries:
            write_durably(self.path, "".join(map(_line, self.entries)).encode())

    def __call__(self, entry: dict[str, Any]) -> None:
        """Add an entry."""
        self.entries.append(entry)
        with storing(self.path), self.path.open("a", encoding="utf-8") as log:
            log.write(_line(entry))
        self.watcher.progressed(self.job, entry)


def fit(
    job: Job,
    context: RunContext,
    checkpointer: Checkpointer,
    report: Callable[[dict[str, Any]], None],
    tests: list[NoisySet],
) -> tuple[Denoiser, Cost]:
    """Train the denoiser of a job; an untrained method's denoiser is returned unchanged.

    Args:
        job: job to train.
        context: the device, and the number of evaluations during training.
        checkpointer: writes checkpoints, which contain the curve.
        report: receives each log entry.
        tests: test sets to evaluate during training.

    Raises:
        Interrupted: a stop was requested.
        InputError: the device computes wrongly in the precision of the run.
    """
    run, device = job.run, context.device
    net = UNet(run.channels, width=run.width, seed=seed_of("weights", run.seed)).to(device)
    denoiser = Denoiser(net, job.method, job.noise, device)
    if isinstance(job.method, Untrained):
        return denoiser, Cost.none(context.engine)
    require_precision(run.precision, device)
    cost = train(
        net,
        job.method,
        _patches(job, context),
        precision=run.precision,
        device=device,
        report=report,
        engine=context.engine,
        optimiser=run.optimiser_settings,
        evaluation_points=EvaluationPoints(
            halved_steps(run.steps, context.evaluations),
            MidwayEvaluation(denoiser, tests, checkpointer.log.curve),
        ),
        checkpointer=checkpointer,
    )
    context.stop.end_if_asked()
    return denoiser, cost


def halved_steps(steps: int, count: int) -> frozenset[int]:
    """Return the last step, half of it, a quarter and so on: quality grows with the logarithm of the cost."""
    return frozenset(math.ceil(steps / 2**halvings) for halvings in range(count))


def _patches(job: Job, context: RunContext) -> Patches:
    run = job.run
    return Patches(
        context.training_images,
        job.noise,
        needs=job.method.needs,
        sampling=Sampling(run.steps, run.batch, run.patch, run.seed).scaled(job.method.patch_scale),
        training_noise=run.training_noise,
        device=context.device,
    )


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry) + "\n"
