"""Two processes on one store share the jobs, and execute none of them twice."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.store.locks import BusyError
from bench.store.recovery import set_aside_damaged
from bench.store.store import Store
from tests.support.processes import QUICK_GRID, results, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.runs import Tiny


def test_two_processes_execute_each_job_once(tiny: Tiny, tmp_path: Path) -> None:
    began = time.monotonic()
    process, connection = start(tiny, **QUICK_GRID)
    outcomes = connection.recv()
    process.join()
    alone = time.monotonic() - began
    assert outcomes == ["trained"] * 15
    shared = replace(tiny, context=replace(tiny.context, store=Store.open(tmp_path / "shared")))
    began = time.monotonic()
    pair = [start(shared, **QUICK_GRID) for _ in range(2)]
    both = [connection.recv() for _, connection in pair]
    together = time.monotonic() - began
    trained = [outcomes.count("trained") for outcomes in both]
    assert sum(trained) == 15
    assert [outcomes.count("stored") for outcomes in both] == [15 - count for count in trained]
    assert min(trained) >= 4
    assert set_aside_damaged(shared.context.store.root) == []
    assert results(shared).equals(results(tiny))
    print(f"\n15 runs: one process {alone:.1f} s, two {together:.1f} s ({together / alone:.2f}), {trained}")


def test_a_job_that_another_process_left_is_taken_over(tiny: Tiny) -> None:
    process, _ = start(tiny, steps=100_000)
    (job,) = tiny.jobs(steps=100_000)
    store = tiny.context.store
    while not (store.root / "partial" / job.key / "log.jsonl").is_file():
        time.sleep(0.05)
    with pytest.raises(BusyError), store.lock(job.key):
        pass
    process.kill()
    process.join()
    with store.lock(job.key):
        pass
