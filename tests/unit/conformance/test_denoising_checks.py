"""Every check of denoising reports the methods that are broken in its way."""

from __future__ import annotations

import pytest
import torch

from bench.conformance.case import Case, ConformanceError
from bench.conformance.denoising_checks import accepts_any_image_size, denoises_black_and_white
from bench.conformance.suite import DENOISING_CHECKS, title
from bench.noise import Gaussian
from methods.supervised import Supervised
from tests.support.methods.broken import assert_reported, broken_in


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("name", broken_in(*map(title, DENOISING_CHECKS)))
def test_broken_denoising_is_reported(name: str):
    assert_reported(name)


class Denoises(Supervised):
    """Denoises by a given function."""

    def __init__(self, function) -> None:
        object.__setattr__(self, "function", function)

    def denoise(self, net, noisy, noise):
        return self.function(noisy)


def test_another_type_and_values_that_are_not_finite_are_reported():
    with pytest.raises(ConformanceError, match=r"are returned as torch\.float64, but must be torch\.float32"):
        accepts_any_image_size(Case(Denoises(torch.Tensor.double), Gaussian(25)))
    with pytest.raises(ConformanceError, match=r"images that are 0 everywhere .* values that are not finite"):
        denoises_black_and_white(Case(Denoises(torch.log), Gaussian(25)))
