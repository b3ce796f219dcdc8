"""A method that learns nothing is reported, and the cost of a step is measured."""

from __future__ import annotations

import pytest

from bench.conformance.case import Case
from bench.conformance.suite import TRAINING_CHECKS, title
from bench.conformance.training_checks import costs
from bench.discovery import parse_method
from bench.noise import Gaussian
from tests.support.methods.broken import assert_reported, broken_in


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
