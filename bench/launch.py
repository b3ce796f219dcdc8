"""Launching: each run that is not stored yet is done once, by whichever process takes it first."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.durable import StorageError
from bench.evaluation import corrupt
from bench.images import require_disjoint
from bench.running import do, is_stored
from bench.store import BusyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.evaluation import NoisySet
    from bench.noise import Noise
    from bench.plan import Job
    from bench.running import Bench, Watcher

PAUSE = 0.5
"""Seconds after which runs that another process works on are looked at again."""


def launch(jobs: Sequence[Job], bench: Bench, watcher: Watcher) -> list[Job]:
    """Do every job that is not stored yet; a failed one is recorded, and the others go on.

    What another process works on is left to it, and taken over where that process ends without a result.

    Returns:
        The jobs that failed.

    Raises:
        StorageError: the store can no longer be written; what it holds is valid, and another call goes on.
        Stopped: someone asked to stop; likewise.
    """
    tests = Tests(bench)
    since = datetime.now(UTC)
    failed, left = [], list(jobs)
    met: set[str] = set()
    while left:
        elsewhere = []
        for job in left:
            bench.stop.end_if_asked()
            watcher.started(job)
            try:
                outcome = _attempt(
                    job, bench, tests.of(job), watcher, since=since if job.key in met else None
                )
            except BusyError:
                if job.key not in met:
                    watcher.warned(job, "another process is at work on it")
                met.add(job.key)
                elsewhere.append(job)
                continue
            if outcome.startswith("failed"):
                failed.append(job)
            watcher.ended(job, outcome)
        if len(elsewhere) == len(left):
            time.sleep(PAUSE)
        left = elsewhere
    return failed


def _attempt(
    job: Job, bench: Bench, tests: list[NoisySet], watcher: Watcher, *, since: datetime | None
) -> str:
    """Do a job, unless it is stored or, where ``since`` is given, another process has seen it fail since."""
    if is_stored(job, bench, tests):
        return "stored"
    with bench.store.lock(job.key):
        if since and (error := bench.store.error_since(job.key, since)):
            return f"failed: {error}"
        try:
            return do(job, bench, tests, watcher)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one method raises, the other runs go on
            return f"failed: {error}"


class Tests:
    """The corrupted test sets of a bench, each drawn once.

    Raises:
        InputError: a training image is among the test images.
    """

    def __init__(self, bench: Bench) -> None:
        self.sets = bench.test_images
        self.corrupted: dict[tuple[Noise, int], list[NoisySet]] = {}
        for images in self.sets:
            require_disjoint(bench.training_images, images)

    def of(self, job: Job) -> list[NoisySet]:
        """Give those of a job, noise by noise."""
        draws = [(noise, job.run.seed) for noise in job.tests]
        for noise, seed in draws:
            if (noise, seed) not in self.corrupted:
                self.corrupted[noise, seed] = [corrupt(images, noise, seed=seed) for images in self.sets]
        return [test for draw in draws for test in self.corrupted[draw]]
