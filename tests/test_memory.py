"""Memory: a step that does not fit ends its run, and the batch that is named instead does fit."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch

from bench import memory
from bench.memory import Footprint, free_memory
from bench.step import Step
from tests.helpers import CPU, Tiny
from tests.robust.processes import WARM

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

MIB = 2**20


@pytest.mark.parametrize(
    ("room", "patches"), [(99, 0), (100, 1), (109, 1), (110, 2), (150, 6), (10**6, 99991)]
)
def test_the_patches_that_fit_are_those_that_the_room_holds(room: int, patches: int) -> None:
    assert Footprint(patches=64, first=100, further=10).fitting(room) == patches


def test_a_step_takes_what_its_patches_take() -> None:
    assert Footprint(patches=5, first=100, further=10).bytes == 140


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda device: size)


def test_a_run_that_cannot_fit_fails_before_its_first_step_and_names_the_batch(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Step, "advance", lambda *_: pytest.fail("a step was taken"))
    free(monkeypatch, 2 * MIB)
    (outcome,) = tiny.launch(batch=64)
    assert re.search(r"out of memory: a step on 64 patches takes about .* cpu has 0\.00 GiB free", outcome)
    fits = int(re.search(r"--batch (\d+) would fit", outcome)[1])
    assert 1 <= fits < 64
    monkeypatch.undo()
    free(monkeypatch, 2 * MIB)
    assert tiny.launch(batch=fits) == ["trained"]
    (failed,) = tiny.bench.store.failures().to_dict("records")
    assert failed["batch"] == 64
    assert "OutOfMemoryError" in failed["error"]


def test_where_nothing_fits_it_is_said(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 10)
    assert "not one patch fits" in tiny.launch()[0]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"
        ),
    ],
)
def test_running_out_on_the_way_is_a_failure_with_advice(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def run_out(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Step, "advance", run_out)
    assert tiny.launch()[0].startswith("failed: out of memory: a step on 2 patches takes about")


def test_another_error_stays_what_it_is(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Step, "advance", lambda *_: 1 / 0)
    assert tiny.launch() == ["failed: division by zero"]


def test_the_measured_footprint_is_that_of_a_whole_step(tiny: Tiny) -> None:
    tiny.launch(batch=16)
    (key,) = tiny.bench.store.keys()
    whole = tiny.bench.store.facts(key)["training"]["peak_bytes"]
    tiny.launch(batch=4)
    (small,) = {*tiny.bench.store.keys()} - {key}
    part = tiny.bench.store.facts(small)["training"]["peak_bytes"]
    assert part < whole
    # Four times the patches, plus what a step takes whatever its size.
    assert 3 * part < whole < 4.4 * part


@pytest.mark.skipif(sys.platform != "linux", reason="limits address space, as Linux does")
def test_under_a_real_limit_what_is_advised_fits(tiny: Tiny) -> None:
    here, there = WARM.Pipe()
    process = WARM.Process(target=_train_under_a_limit, args=(tiny, there), daemon=True)
    process.start()
    there.close()
    assert here.poll(300), "the process hung"
    refused, fits, then = here.recv()
    process.join()
    assert re.search(r"failed: out of memory: .*; --batch \d+ would fit", refused)
    assert 8 <= fits < 512
    assert then == "trained"


def _train_under_a_limit(tiny: Tiny, told: Connection) -> None:
    import resource

    torch.set_num_threads(1)
    room = free_memory(CPU)
    taken = memory.psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (taken + 400 * MIB,) * 2)
    assert free_memory(CPU) <= 400 * MIB < room
    (refused,) = tiny.launch(batch=512, width=16, steps=2)
    fits = int(re.search(r"--batch (\d+) would fit", refused)[1])
    (then,) = tiny.launch(batch=fits, width=16, steps=2)
    told.send((refused, fits, then))
