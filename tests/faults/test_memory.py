"""Memory: a step that does not fit ends its run, and the batch that is named instead does fit."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch

from bench.system.counters import count_memory
from bench.training import memory
from bench.training.memory import free_memory, need_of
from bench.training.patches import Patches, Sampling
from bench.training.step import Step
from bench.training.unet import UNet
from tests.faults.processes import WARM
from tests.support.methods.trained import TRAINED
from tests.support.runs import CPU, Tiny

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from bench.method import Batch

MIB = 2**20


def step_of(tiny: Tiny, method: str, *, batch: int) -> tuple[Step, Batch]:
    """Make the step of a training, and its first batch."""
    (job,) = tiny.jobs(methods=(method,), batch=batch)
    sampling = Sampling(1, batch, 32, 0)
    needs = job.method.needs
    patches = Patches(tiny.context.training_images, job.noise, needs=needs, sampling=sampling, device=CPU)
    net = UNet(1, width=8, seed=0)
    return Step(net, job.method, sampling=sampling, precision="float32", device=CPU), patches(0)


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_what_a_step_needs_is_told_from_a_part_of_it(tiny: Tiny, batch: int) -> None:
    step, first = step_of(tiny, "supervised", batch=batch)
    assert need_of(step, first, CPU) == pytest.approx(count_memory(lambda: step.dry_run(first), CPU), rel=0.1)


@pytest.mark.parametrize("method", TRAINED)
def test_no_step_that_may_not_fit_goes_unmeasured(tiny: Tiny, method: str) -> None:
    step, first = step_of(tiny, method, batch=8)
    assert count_memory(lambda: step.dry_run(first), CPU) < memory._may_need(step, first)


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda device: size)


def test_a_run_that_cannot_fit_fails_before_its_first_step_and_names_the_batch(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Step, "update", lambda *_: 1 / 0)
    free(monkeypatch, 2 * MIB)
    (outcome,) = tiny.launch(batch=64)
    assert re.search(r"out of memory: a step on 64 patches takes at least 0\.\d\d GiB", outcome)
    fits = int(re.search(r"--batch (\d+) would fit", outcome)[1])
    assert 1 <= fits < 64
    monkeypatch.undo()
    free(monkeypatch, 2 * MIB)
    assert tiny.launch(batch=fits) == ["trained"]
    (failed,) = tiny.context.store.failures().to_dict("records")
    assert failed["batch"] == 64
    assert "OutOfMemoryError" in failed["error"]


def test_where_nothing_fits_it_is_said(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 10)
    assert "not even one patch fits" in tiny.launch()[0]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"),
    ],
)
def test_running_out_on_the_way_is_a_failure_with_advice(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def run_out(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Step, "update", run_out)
    (outcome,) = tiny.launch(batch=8)
    assert outcome.startswith("failed: out of memory: a step on 8 patches is more than there is")
    assert "--batch 2 would fit" in outcome


def test_another_error_stays_what_it_is(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Step, "update", lambda *_: 1 / 0)
    assert tiny.launch() == ["failed: division by zero"]


@pytest.mark.skipif(sys.platform != "linux", reason="limits address space, as Linux does")
def test_under_a_real_limit_what_is_advised_fits(tiny: Tiny) -> None:
    refused = train_under_a_limit(tiny, batch=8192)
    print(f"\n{refused}")
    advised = re.search(r"failed: out of memory: .*; --batch (\d+) would fit", refused)
    assert advised
    assert train_under_a_limit(tiny, batch=int(advised[1])) == "trained"


def train_under_a_limit(tiny: Tiny, *, batch: int) -> str:
    """Train in a process that may take 1.5 GiB beside what it holds at its beginning."""
    here, there = WARM.Pipe()
    process = WARM.Process(target=_limited, args=(tiny, batch, there), daemon=True)
    process.start()
    there.close()
    assert here.poll(300), "the process hung"
    outcome: str = here.recv()
    process.join()
    return outcome


def _limited(tiny: Tiny, batch: int, told: Connection) -> None:
    import resource

    torch.set_num_threads(1)
    room = free_memory(CPU)
    taken = memory.psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (taken + 1536 * MIB,) * 2)
    assert free_memory(CPU) <= 1536 * MIB < room
    told.send(tiny.launch(batch=batch, width=16, steps=2)[0])
