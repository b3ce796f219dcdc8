"""Build the record of a run: what is known at its start, and the parts that are added later."""

from __future__ import annotations

import traceback
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bench.discovery import listings, source_hash
from bench.method import sees
from bench.protocol import PROTOCOL_VERSION
from bench.store.record import Attempt, Evaluation, Hardware, RunRecord, Source, Target, TrainingCost
from bench.system.devices import describe
from bench.system.provenance import commit, versions

if TYPE_CHECKING:
    import torch

    from bench.runs.context import RunContext
    from bench.runs.plan import Job
    from bench.scoring.noisy_sets import NoisySet
    from bench.training.loop import Cost

NOT_COLUMNS = ("hyper_parameters", "fingerprint", "parameter")
"""Fields of a run that are not columns of its scores; each test noise has its own parameter."""


def new_record(job: Job, context: RunContext) -> RunRecord:
    """Describe a run that starts now."""
    sets = (context.training_images, *context.test_images)
    return RunRecord(
        key=job.key,
        run=job.run,
        protocol=PROTOCOL_VERSION,
        source=source_of(job),
        columns=_columns(job),
        test=[
            Target(parameter=noise.parameter, images=images.name)
            for noise in job.tests
            for images in context.test_images
        ],
        notes=[*job.notes, *(f"{images.name}: {note}" for images in sets for note in images.notes)],
        **origin_of(job, context.device),
        **context.place,
    )


def new_attempt(job: Job, context: RunContext, *, step: int) -> Attempt:
    """Describe an attempt at a training run that starts now, after ``step`` steps of earlier attempts."""
    return Attempt(step=step, **origin_of(job, context.device), **context.place)


def origin_of(job: Job, device: torch.device) -> dict[str, Any]:
    """Describe code and machine at the start of a run: commit, versions, hardware, time."""
    return {
        "commit": commit(),
        "versions": versions(*job.method.packages),
        "hardware": Hardware(**describe(device)),
        "started": now(),
    }


def source_of(job: Job) -> Source:
    """Describe the source file of a job's method."""
    return Source(sha256=source_hash(type(job.method)), origin=listings()[job.run.method].origin)


def evaluation_of(noisy_set: NoisySet, *, lpips: str) -> Evaluation:
    """Describe a scored test set; ``lpips`` is ``computed``, or the reason why it is missing."""
    return Evaluation(fingerprint=noisy_set.fingerprint, noisy_sha256=noisy_set.sha256, lpips=lpips)


def add_attempts(record: RunRecord, attempts: list[dict[str, Any]]) -> None:
    """Add the start time of the run, and the attempts before the last."""
    record.started = attempts[0]["started"]
    record.earlier_attempts = [Attempt.model_validate(attempt) for attempt in attempts[:-1]]


def add_cost(record: RunRecord, cost: Cost) -> None:
    """Add the cost of training."""
    record.training = TrainingCost(**asdict(cost))
    record.columns |= {
        "training_seconds": cost.seconds,
        "training_flops": float(cost.flops),
        "patches_per_second": cost.patches_per_second,
        "forward_passes": cost.forward_passes,
        "backward_passes": cost.backward_passes,
    }
    if cost.core_share is not None:
        record.columns["core_share"] = cost.core_share


def add_error(record: RunRecord, error: Exception) -> None:
    """Add the cause of a failure."""
    record.error = f"{type(error).__name__}: {error}"
    record.failed = now()
    record.traceback = traceback.format_exc()


def now() -> str:
    """Return the current time, to the second, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _columns(job: Job) -> dict[str, str | int | float | None]:
    settings = {name: value for name, value in asdict(job.run).items() if name not in NOT_COLUMNS}
    return settings | {
        "key": job.key,
        "method": job.label,
        "sees": sees(job.method, blind=job.blind),
        "defined_for": " ".join(sorted(job.method.noises)),
        "protocol": PROTOCOL_VERSION,
        "patch_scale": job.method.patch_scale,
    }
