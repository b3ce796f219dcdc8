"""The workloads that a throughput profile times do the work that they are named after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from bench.errors import InputError
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
from tests.support.methods.trained import TRAINED

if TYPE_CHECKING:
    from bench.method import Method
    from bench.training.engine import Engine

SMALL = Setting(torch.device("cpu"), "float32", "eager", width=4, batch=2, patch=32)
every_method = pytest.mark.parametrize("method", TRAINED.values(), ids=TRAINED)


def test_a_bare_step_moves_every_weight():
    step = BareStep(SMALL)
    before = [weight.clone() for weight in step.net.parameters()]
    # The last layer starts at zero: the others have no gradient before it has moved.
    step()
    step()
    assert all((weight != old).any() for weight, old in zip(step.net.parameters(), before, strict=True))


@every_method
def test_a_training_step_learns_and_its_counterpart_does_not(method: Method):
    step = TrainingStep(method, SMALL)
    weights = [*step.step.net.parameters()]
    before = [weight.clone() for weight in weights]
    step.counted()
    assert all(torch.equal(weight, old) for weight, old in zip(weights, before, strict=True))
    losses = {step().item() for _ in range(3)}
    assert len(losses) == step.done == 3
    assert any((weight != old).any() for weight, old in zip(weights, before, strict=True))


def test_the_cheapest_training_step_is_as_much_work_as_the_bare_step():
    bare = count_work(BareStep(SMALL).counted)
    work = [count_work(TrainingStep(method, SMALL).counted) for method in TRAINED.values()]
    assert min(one.flops for one in work) == bare.flops
    assert min(one.bytes for one in work) == bare.bytes


def test_a_copy_and_a_product_do_the_counted_work():
    copies = copy(SMALL)()
    assert [target.numel() for target in copies] == COPIES * [COPIED]
    assert count_work(product(SMALL, side=10)).flops == 2 * 10**3


@every_method
def test_inference_denoises_one_image(method: Method):
    denoised = inference(method, SMALL, side=40)()
    assert denoised.shape == (1, 1, 40, 40)


def test_patches_have_the_size_of_the_setting():
    batch = patches(SMALL, needs=frozenset({"noisy", "clean"}))(7)
    assert {name: image.shape for name, image in batch.images.items()} == dict.fromkeys(
        ("noisy", "clean"), (2, 1, 32, 32)
    )


@pytest.mark.parametrize("engine", ["graph", "compile"])
def test_settings_that_the_machine_lacks_are_refused(engine: Engine):
    sizes = {"width": 4, "batch": 2, "patch": 32}
    with pytest.raises(InputError, match=engine):
        Setting.resolve(device="cpu", precision="auto", engine=engine, lowest="bfloat16", **sizes)
    with pytest.raises(InputError, match="bfloat16"):
        Setting.resolve(device="cpu", precision="bfloat16", engine="auto", lowest="float32", **sizes)
