"""Every check of a loss reports the methods that are broken in its way."""

from __future__ import annotations

import pytest

from bench.conformance.case import Case
from bench.conformance.loss_checks import is_stable_in_its_precision, runs_on_an_accelerator
from bench.conformance.suite import LOSS_CHECKS, title
from bench.discovery import parse_method
from bench.noise import Gaussian, Poisson
from tests.support.methods.broken import assert_reported, broken_in


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("name", broken_in(*map(title, LOSS_CHECKS)))
def test_a_broken_loss_is_reported(name: str):
    assert_reported(name)


def test_an_operation_without_a_simulation_is_unknown_not_a_fault():
    """torch can draw binomial numbers, as r2r does of Poisson counts, only of real tensors."""
    _, method = parse_method("r2r")
    assert runs_on_an_accelerator(Case(method, Poisson(0.01))) == "unknown: aten.binomial"
    assert runs_on_an_accelerator(Case(method, Gaussian(25))) is None


def test_the_agreement_of_gradients_is_measured_unless_the_method_declares_float32():
    methods = {name: parse_method(name)[1] for name in ("supervised", "sure")}
    found = {name: is_stable_in_its_precision(Case(each, Gaussian(25))) for name, each in methods.items()}
    assert 0.9 <= float(found["supervised"]) <= 1
    assert (found["sure"] == "float32") == (methods["sure"].precision == "float32")
