"""A method that learns nothing is reported, and the cost of a step is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from bench.conformance.case import Case
from bench.conformance.suite import TRAINING_CHECKS, title
from bench.conformance.training_checks import costs
from bench.discovery import listings, parse_method
from bench.images.sources import open_set
from bench.method import Untrained
from bench.noise import Gaussian
from bench.runs.recipes import RECIPES
from bench.training.loop import train
from bench.training.patches import Patches, Sampling
from bench.training.unet import UNet
from tests.support.methods.broken import assert_reported, broken_in

if TYPE_CHECKING:
    from bench.method import Method
    from bench.runs.recipes import Recipe


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("name", broken_in(*map(title, TRAINING_CHECKS)))
def test_a_method_that_learns_nothing_is_reported(name: str):
    assert_reported(name)


@pytest.mark.parametrize(
    ("spec", "passes"),
    [("supervised", "1.00 x"), ("unsure", "2.00 x"), ("neighbor2neighbor", "1.18 x")],
)
def test_the_cost_of_a_step_is_that_of_its_passes_and_patches(spec: str, passes: str):
    assert costs(Case(parse_method(spec)[1], Gaussian(25))) == passes


def operations(method: Method, recipe: Recipe) -> int:
    """Count the operations of one step of a real training run."""
    cpu, width, noise = torch.device("cpu"), 8, Gaussian(25)
    sampling = Sampling(1, recipe.batch, recipe.patch, seed=0).scaled(method.patch_scale)
    images = open_set("embedded-train", channels=1)
    patches = Patches(images, noise, needs=method.needs, sampling=sampling, device=cpu)
    net = UNet(1, width=width, seed=0)
    return train(net, method, patches, precision="float32", device=cpu, report=lambda _: None).flops


@pytest.mark.parametrize("name", ["quick", "grey-cpu"])
def test_the_cost_of_a_step_is_that_of_a_real_run(name: str):
    trained = [method for method in map(parse_method, listings()) if not isinstance(method[1], Untrained)]
    supervised = operations(parse_method("supervised")[1], RECIPES[name])
    for label, method in trained:
        cost = float(costs(Case(method, Gaussian(25))).removesuffix(" x"))
        assert cost == pytest.approx(operations(method, RECIPES[name]) / supervised, rel=0.03), label
