"""Out of memory: a step that does not fit ends its run, and the batch that is named instead does fit."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from bench.system.counters import count_memory
from bench.training import memory
from bench.training.patches import Patches, Sampling
from bench.training.step import Step
from bench.training.unet import UNet
from tests.support.methods.trained import TRAINED
from tests.support.runs import CPU, Tiny

if TYPE_CHECKING:
    from bench.method import Batch

MIB = 2**20


def step_of(tiny: Tiny, method: str, *, batch: int) -> tuple[Step, Batch]:
    """Make the step of a training run, and its first batch."""
    (job,) = tiny.jobs(methods=(method,), batch=batch)
    sampling = Sampling(1, batch, 32, 0)
    needs = job.method.needs
    patches = Patches(tiny.context.training_images, job.noise, needs=needs, sampling=sampling, device=CPU)
    net = UNet(1, width=8, seed=0)
    return Step(net, job.method, sampling=sampling, precision="float32", device=CPU), patches(0)


def leave(monkeypatch: pytest.MonkeyPatch, available: int) -> None:
    """Let the system have so many bytes available."""
    monkeypatch.setattr(memory, "available_memory", lambda: available)


@pytest.mark.parametrize("method", TRAINED)
def test_no_step_needs_more_than_its_upper_bound(tiny: Tiny, method: str) -> None:
    step, first = step_of(tiny, method, batch=8)
    assert count_memory(lambda: step.dry_run(first), CPU) < memory._upper_bound(step, first)


def test_the_advice_is_in_patches_of_the_recipe(tiny: Tiny) -> None:
    (job,) = tiny.jobs(methods=("neighbor2neighbor",), patch=16)
    sampling = Sampling(1, 16, 16, 0).scaled(2)
    step = SimpleNamespace(method=job.method)
    assert memory._advice(step, sampling.batch, lambda count: count <= 2).startswith("--batch 4 would fit")


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_a_step_is_refused_where_it_needs_more_memory_than_there_is(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    step, first = step_of(tiny, "supervised", batch=batch)
    needed = count_memory(lambda: step.dry_run(first), CPU)
    leave(monkeypatch, int(0.9 * needed))
    with pytest.raises(memory.OutOfMemoryError), memory.out_of_memory_advice(step, first, CPU):
        pass
    leave(monkeypatch, int(1.1 * needed))
    with memory.out_of_memory_advice(step, first, CPU):
        pass


def test_a_run_that_cannot_fit_fails_before_its_first_step_and_names_the_batch(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Step, "update", lambda *_: 1 / 0)
    leave(monkeypatch, 2 * MIB)
    (outcome,) = tiny.launch(batch=64)
    assert re.search(r"out of memory: a step on 64 patches needs 0\.\d\d GiB, but 0\.00 GiB are av", outcome)
    fits = int(re.search(r"--batch (\d+) would fit", outcome)[1])
    assert 1 <= fits < 64
    monkeypatch.undo()
    leave(monkeypatch, 2 * MIB)
    assert tiny.launch(batch=fits) == ["trained"]
    (failed,) = tiny.context.store.failures().to_dict("records")
    assert failed["batch"] == 64
    assert "OutOfMemoryError" in failed["error"]


def test_where_no_batch_fits_a_smaller_patch_is_advised(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(monkeypatch, 10)
    assert "use a smaller --patch or --width" in tiny.launch()[0]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"),
    ],
)
def test_running_out_of_memory_in_training_is_a_failure_with_advice(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def run_out(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Step, "update", run_out)
    (outcome,) = tiny.launch(batch=8)
    assert outcome.startswith("failed: out of memory: a step on 8 patches does not fit")
    assert "--batch 4 would fit" in outcome


def test_the_batch_that_is_named_was_tried_with_twice_as_many_patches(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, first = step_of(tiny, "supervised", batch=16)
    dry_run, tried = step.dry_run, []

    def limited(batch: Batch) -> torch.Tensor:
        tried.append(batch.size)
        if batch.size > 5:
            raise MemoryError
        return dry_run(batch)

    monkeypatch.setattr(step, "dry_run", limited)
    with (
        pytest.raises(memory.OutOfMemoryError, match="--batch 2 would fit"),
        memory.out_of_memory_advice(step, first, torch.device("meta")),
    ):
        raise MemoryError
    assert tried == [16, 8, 4]


def test_another_error_stays_what_it_is(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Step, "update", lambda *_: 1 / 0)
    assert tiny.launch() == ["failed: division by zero"]
