"""A training run killed at any moment resumes to the same scores, and the store is valid after each kill."""

from __future__ import annotations

import os
import shutil
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.torch import load_file

from bench.settings import CHECKPOINT_EVERY
from bench.store.checksums import check_folder
from bench.store.layout import CHECKPOINT, PARTIAL, WEIGHTS
from bench.store.recovery import set_aside_damaged
from bench.store.store import Store
from bench.system.signals import STOP_SIGNALS
from bench.training.checkpoint import read_checkpoint
from tests.support.processes import results, start
from tests.support.runs import Tiny, make_tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KILLS = 20
STEPS = 60

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


@pytest.fixture
def tiny(photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path) -> Tiny:
    """Return a grid of one run that writes a checkpoint after every step."""
    tiny = make_tiny(photo_folders(1), tmp_path / "whole", channels=1)
    return replace(tiny, context=replace(tiny.context, checkpoint_every=0, evaluations=2))


def in_store(tiny: Tiny, root: Path) -> Tiny:
    return replace(tiny, context=replace(tiny.context, store=Store.open(root)))


def steps_done(tiny: Tiny, key: str) -> int:
    """Read how far a run is, and check the store and the checkpoint."""
    store = tiny.context.store
    assert set_aside_damaged(store.root) == []
    if key in store:
        check_folder(store.root / key)
        return STEPS
    checkpoint, _ = read_checkpoint(store.root / PARTIAL / key / CHECKPOINT)
    return checkpoint.step


def test_a_run_killed_at_random_moments_ends_with_the_same_scores(tiny: Tiny, tmp_path: Path) -> None:
    process, connection = start(tiny, steps=STEPS)
    began = time.monotonic()
    process.join()
    took = time.monotonic() - began
    assert connection.recv() == ["trained"]
    (key,) = tiny.context.store.keys()
    expected, weights = results(tiny), load_file(tiny.context.store.root / key / WEIGHTS)
    rng = np.random.default_rng(0)
    killed_at = []
    for kill in range(KILLS):
        broken = in_store(tiny, tmp_path / f"kill-{kill}")
        process, _ = start(broken, steps=STEPS)
        time.sleep(rng.uniform(0, took))
        process.kill()
        process.join()
        killed_at.append((process.exitcode, steps_done(broken, key)))
        process, connection = start(broken, steps=STEPS)
        assert connection.recv() in (["trained"], ["stored"])
        process.join()
        assert results(broken).equals(expected)
        again = load_file(broken.context.store.root / key / WEIGHTS)
        assert all((again[name] == value).all() for name, value in weights.items())
        assert steps_done(broken, key) == STEPS
        shutil.rmtree(broken.context.store.root)
    codes, steps = zip(*killed_at, strict=True)
    print(f"\nkilled {codes.count(-signal.SIGKILL)} of {KILLS} alive, after steps {sorted(steps)} of {STEPS}")
    assert codes.count(-signal.SIGKILL) > KILLS / 2
    assert len(set(steps)) > KILLS / 4


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_ends_a_run_at_a_checkpoint(tiny: Tiny, tmp_path: Path, number: signal.Signals) -> None:
    stopping = in_store(tiny, tmp_path / "stopped")
    stopping = replace(
        stopping, context=replace(stopping.context, checkpoint_every=CHECKPOINT_EVERY, evaluations=0)
    )
    process, _ = start(stopping, steps=5000)
    (job,) = stopping.jobs(steps=5000)
    log = stopping.context.store.root / PARTIAL / job.key / "log.jsonl"
    while not log.is_file():
        time.sleep(0.05)
    os.kill(process.pid, number)
    process.join(10)
    assert process.exitcode == 1
    checkpoint, journal = read_checkpoint(log.with_name(CHECKPOINT))
    assert 0 < checkpoint.step < 5000
    assert len(checkpoint.pending) == checkpoint.step % 20
    assert len(journal.entries) == checkpoint.step // 20
    assert stopping.context.store.keys() == []
    assert stopping.context.store.failures().empty
