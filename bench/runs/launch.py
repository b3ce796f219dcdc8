"""Launch jobs: each run that is not stored yet is executed by the first process that claims it."""

from __future__ import annotations

import inspect
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import line_in
from bench.runs.execute import execute, missing_tests
from bench.runs.inputs import NoisyTestSets
from bench.store.locks import BusyError
from bench.system.files import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.runs.context import RunContext, Watcher
    from bench.runs.plan import Job
    from bench.scoring.noisy_sets import NoisySet

PAUSE = 0.5
"""Seconds between two checks of runs that another process works on."""


def launch(jobs: Sequence[Job], context: RunContext, watcher: Watcher) -> list[Job]:
    """Execute every job that is not stored yet; if a job fails, record it and continue with the others.

    A job that another process works on is left to that process, and taken over if it ends without a result.

    Returns:
        The jobs that failed.

    Raises:
        StorageError: the store can no longer be written; its content is valid, and another call resumes.
        Interrupted: a stop was requested; likewise.
    """
    queue = Queue(jobs, context, watcher)
    while (claim := queue.take()) or queue.left:
        if claim is None:
            time.sleep(PAUSE)
            continue
        with claim.lock:
            watcher.started(claim.job)
            outcome = try_execute(claim.job, context, queue.tests.of(claim.job), watcher)
        queue.end(claim.job, outcome)
    return queue.failed


def try_execute(job: Job, context: RunContext, tests: list[NoisySet], watcher: Watcher) -> str:
    """Execute a job whose lock the caller holds, and return its outcome, which may be an error.

    Raises:
        StorageError: as raised by ``execute``.
        Interrupted: likewise.
    """
    try:
        return execute(job, context, tests, watcher)
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - the other runs continue after any error
        file = Path(inspect.getfile(type(job.method)))
        line = line_in(file, error)
        return f"failed: {error}" + (f" ({file.name}, line {line})" if line else "")


@dataclass(frozen=True)
class Claim:
    """A job that is reserved for this process until it closes the lock."""

    job: Job
    lock: ExitStack


class Queue:
    """The jobs of a grid; this process claims those that no other process works on.

    Args:
        jobs: the jobs of the grid.
        context: the context in which they are executed.
        watcher: receives their outcomes.

    Attributes:
        left: jobs that are neither claimed nor finished.
        failed: jobs that failed, in this or another process.
        tests: the noisy test sets.

    Raises:
        InputError: a training image is among the test images.
    """

    def __init__(self, jobs: Sequence[Job], context: RunContext, watcher: Watcher) -> None:
        self.context, self.watcher = context, watcher
        self.left = deque(jobs)
        self.failed: list[Job] = []
        self.tests = NoisyTestSets(context)
        self.since = datetime.now(UTC)
        self.seen_busy: set[str] = set()

    def take(self) -> Claim | None:
        """Claim the next job to execute; return None if there is none for now.

        Raises:
            Interrupted: a stop was requested.
        """
        for _ in range(len(self.left)):
            self.context.stop.end_if_asked()
            job = self.left.popleft()
            try:
                claim = self._claim(job)
            except BusyError:
                if job.key not in self.seen_busy:
                    self.watcher.warned(job, "another process is working on it")
                self.seen_busy.add(job.key)
                self.left.append(job)
                continue
            if isinstance(claim, Claim):
                return claim
            self.end(job, claim)
        return None

    def end(self, job: Job, outcome: str) -> None:
        """Record the outcome of a job."""
        if outcome.startswith("failed"):
            self.failed.append(job)
        self.watcher.ended(job, outcome)

    def _claim(self, job: Job) -> Claim | str:
        """Claim a job, or return its outcome if it is stored or has failed in another process."""
        store = self.context.store
        if job.key in store and not missing_tests(job, self.context, self.tests.of(job)):
            return "stored"
        with ExitStack() as lock:
            lock.enter_context(store.lock(job.key))
            if job.key in self.seen_busy and (error := store.error_since(job.key, self.since)):
                return f"failed: {error}"
            return Claim(job, lock.pop_all())
