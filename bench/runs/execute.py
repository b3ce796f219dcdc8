"""Execute one job: train, score and store it, or resume it after an interruption."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from safetensors.torch import save

from bench.method import Untrained
from bench.runs.fit import LogFile, fit
from bench.runs.load import load_run
from bench.runs.recording import add_attempts, add_cost, add_error, new_attempt, new_record, now
from bench.runs.score import describe_lpips, score
from bench.store.checksums import RECORD, write_json
from bench.store.layout import CHECKPOINT, CURVE, LOG, WEIGHTS
from bench.store.scores import write_scores, write_table
from bench.system.files import StorageError, write_durably
from bench.training.checkpoint import (
    BEGINNING,
    Checkpointer,
    DamagedCheckpointError,
    TrainingLog,
    read_checkpoint,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bench.runs.context import RunContext, Watcher
    from bench.runs.plan import Job
    from bench.scoring.metrics import Lpips
    from bench.scoring.noisy_sets import NoisySet
    from bench.store.record import RunRecord


def execute(job: Job, context: RunContext, tests: list[NoisySet], watcher: Watcher) -> str:
    """Train, score and store one job, except for what is already done; the caller holds its lock.

    Returns:
        The outcome, as passed to ``Watcher.ended``.

    Raises:
        StorageError: the store can no longer be written; the run resumes from its last checkpoint.
        Interrupted: likewise.
        Exception: any error of the method; the run is stored as failed, with the cause.
    """
    if job.key not in context.store:
        _train(job, context, tests, watcher)
        return "scored" if isinstance(job.method, Untrained) else "trained"
    missing = missing_tests(job, context, tests)
    if not missing:
        return "stored"
    denoiser = load_run(context.store.root / job.key, device=context.device)
    columns = context.store.record(job.key).columns
    scores, evaluated = score(denoiser, missing, context.lpips, context.store.begin_extension(job.key))
    context.store.extend(job.key, scores.assign(**columns), evaluated)
    return "scored"


def missing_tests(job: Job, context: RunContext, tests: list[NoisySet]) -> list[NoisySet]:
    """List the test sets on which a stored run has not been scored yet."""
    record = context.store.record(job.key)
    return [test for test in tests if _is_missing(test, record, context.lpips)]


def _is_missing(test: NoisySet, record: RunRecord, lpips: Lpips | str) -> bool:
    evaluated = record.evaluation.get(test.noise.spec, {}).get(test.name)
    if evaluated is None or evaluated.noisy_sha256 != test.sha256:
        return True
    return not isinstance(lpips, str) and evaluated.lpips != describe_lpips(lpips, test)


def _train(job: Job, context: RunContext, tests: list[NoisySet], watcher: Watcher) -> None:
    """Train, score and store one run; if it fails, store it as failed, with the cause."""
    record = new_record(job, context)
    with context.store.writing(job.key) as folder:
        try:
            _train_in(folder, record, job, context, tests, watcher)
        except StorageError:
            raise
        except Exception as error:
            add_error(record, error)
            write_json(record.to_json(), folder / RECORD)
            raise
        write_json(record.to_json(), folder / RECORD)


def _train_in(
    folder: Path, record: RunRecord, job: Job, context: RunContext, tests: list[NoisySet], watcher: Watcher
) -> None:
    """Train and score one run, write its files to a folder, and complete its record."""
    checkpointer = _open_checkpointer(job, context, folder, watcher)
    history = checkpointer.log
    add_attempts(record, history.attempts)
    log = LogFile(folder / LOG, history.entries, job, watcher)
    midway = [test for test in tests if test.name == context.test_images[0].name]
    denoiser, cost = fit(job, context, checkpointer, log, midway)
    add_cost(record, cost)
    if history.curve:
        write_table(pd.DataFrame(history.curve).assign(**record.columns), folder / CURVE)
    weights = {name: value.contiguous() for name, value in denoiser.net.state_dict().items()}
    write_durably(folder / WEIGHTS, save(weights))
    scores, record.evaluation = score(denoiser, tests, context.lpips, folder)
    record.columns["finished"] = now()
    write_scores(scores.assign(**record.columns), folder)


def _open_checkpointer(job: Job, context: RunContext, folder: Path, watcher: Watcher) -> Checkpointer:
    """Start an attempt at a training run, from the checkpoint of an earlier attempt if it is intact."""
    path = folder / CHECKPOINT
    try:
        found, history = read_checkpoint(path)
    except DamagedCheckpointError as error:
        watcher.warned(job, f"{error}; it is trained from the start")
        found, history = BEGINNING, TrainingLog()
    if found.step:
        watcher.warned(job, f"resumes after step {found.step} of {job.run.steps}")
    history.attempts.append(new_attempt(job, context, step=found.step).to_json())
    return Checkpointer(
        path, context.checkpoint_every, context.stop, found, history, on_written=context.on_checkpoint
    )
