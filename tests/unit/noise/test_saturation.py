"""Clipped pixels, and the parts of an image that are far from them."""

from __future__ import annotations

import numpy as np
import pytest

from bench.noise import Gaussian
from bench.noise.level import estimate_noise
from bench.noise.saturation import FAR_FROM_CLIPPED, clipped, tolerable_part, unclipped_part
from bench.seeds import generator
from tests.support.images import as_file


def halves(left: float, right: float, *, sigma: float = 25) -> np.ndarray:
    clean = np.full((160, 160, 1), left)
    clean[:, 80:] = right
    return Gaussian(sigma).sample(clean, generator("halves"))


@pytest.mark.parametrize(("right", "end"), [(1.1, 1.0), (-0.1, 0.0)])
def test_values_that_pile_up_at_an_end_are_clipped(right: float, end: float):
    noisy = as_file(halves(0.5, right))
    np.testing.assert_array_equal(clipped(noisy), noisy == end)


def test_nothing_is_clipped_in_floats_or_counts_of_few_photons():
    assert not clipped(halves(0.5, 1.1)).any()
    assert not clipped(generator("dark").poisson(0.3, (99, 99, 1)).astype(float)).any()


def test_noise_is_measured_in_the_half_that_is_not_clipped():
    noisy = as_file(halves(0.4, 1.3))
    part = unclipped_part(clipped(noisy))
    assert part[:, :60].all()
    assert not part[:, 100:].any()
    assert estimate_noise(Gaussian, noisy, where=part).parameter == pytest.approx(25, rel=0.1)


def test_strong_noise_that_is_clipped_everywhere_counts_all_the_same():
    noisy = as_file(halves(0.5, 0.5, sigma=80))
    mask = clipped(noisy)
    assert FAR_FROM_CLIPPED < mask.mean() < 0.2
    np.testing.assert_array_equal(unclipped_part(mask), tolerable_part(mask))
    assert estimate_noise(Gaussian, noisy, where=unclipped_part(mask)).parameter == pytest.approx(
        80, rel=0.05
    )
