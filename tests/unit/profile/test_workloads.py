"""What the throughput profile times: that it is the work that it says."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
import torch

from bench.errors import InputError
from bench.profile.trace import TRACED, write_trace
from bench.profile.workloads import (
    COPIED,
    COPIES,
    BareStep,
    Setting,
    TrainingStep,
    copy,
    inference,
    patches,
    product,
)
from bench.system.counters import count_work
from tests.support.trained import TRAINED

if TYPE_CHECKING:
    from pathlib import Path

    from bench.method import Method
    from bench.training.engine import Engine

SMALL = Setting(torch.device("cpu"), "float32", "eager", width=4, batch=2, patch=32)


every_method = pytest.mark.parametrize("method", TRAINED.values(), ids=TRAINED)


def test_a_bare_step_moves_every_weight():
    step = BareStep(SMALL)
    before = [weight.clone() for weight in step.net.parameters()]
    for _ in range(
        2
    ):  # the last layer starts at zero, so that the others have no gradient before it has moved
        step()
    assert all((weight != old).any() for weight, old in zip(step.net.parameters(), before, strict=True))


@every_method
def test_a_training_step_learns_and_its_counterpart_does_not(method: Method):
    step = TrainingStep(method, SMALL)
    weights = [*step.step.optimiser.param_groups[0]["params"]]
    before = [weight.clone() for weight in weights]
    step.counted()
    assert all(torch.equal(weight, old) for weight, old in zip(weights, before, strict=True))
    losses = {step().item() for _ in range(3)}
    assert len(losses) == step.done == 3
    assert any((weight != old).any() for weight, old in zip(weights, before, strict=True))


def test_the_cheapest_training_step_is_as_much_work_as_the_bare_step():
    bare = count_work(BareStep(SMALL))
    work = [count_work(TrainingStep(method, SMALL).counted) for method in TRAINED.values()]
    assert min(one.flops for one in work) == bare.flops
    assert min(one.bytes for one in work) == bare.bytes


def test_the_machine_is_measured_by_a_copy_and_a_product():
    copies = copy(SMALL)()
    assert [target.numel() for target in copies] == COPIES * [COPIED]
    assert count_work(product(SMALL, side=10)).flops == 2 * 10**3


@every_method
def test_inference_denoises_one_image(method: Method):
    denoised = inference(method, SMALL, side=40)()
    assert denoised.shape == (1, 1, 40, 40)


def test_patches_are_of_the_setting():
    batch = patches(SMALL, needs=frozenset({"noisy", "clean"}))(7)
    assert {name: image.shape for name, image in batch.images.items()} == dict.fromkeys(
        ("noisy", "clean"), (2, 1, 32, 32)
    )


@pytest.mark.parametrize("engine", ["graph", "compile"])
def test_a_setting_that_the_machine_does_not_have(engine: Engine):
    sizes = {"width": 4, "batch": 2, "patch": 32}
    with pytest.raises(InputError, match=engine):
        Setting.resolve(device="cpu", precision="auto", engine=engine, borne="bfloat16", **sizes)
    with pytest.raises(InputError, match="bfloat16"):
        Setting.resolve(device="cpu", precision="bfloat16", engine="auto", borne="float32", **sizes)


def test_there_is_no_trace_of_what_takes_no_steps(tmp_path: Path):
    sizes = {"width": 4, "batch": 2, "patch": 32}
    with pytest.raises(InputError, match="Nlm is not trained"):
        write_trace("nlm", folder=tmp_path, device="cpu", precision="float32", engine="auto", **sizes)


def test_a_trace_holds_its_steps(tmp_path: Path):
    sizes = {"width": 4, "batch": 2, "patch": 32}
    path = write_trace(
        "supervised", folder=tmp_path / "new", device="cpu", precision="float32", engine="auto", **sizes
    )
    events = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    steps = [event["name"] for event in events if str(event.get("name")).startswith("step ")]
    assert sorted(steps) == [f"step {number}" for number in range(TRACED)]
    assert any("convolution_backward" in str(event.get("name")) for event in events)
