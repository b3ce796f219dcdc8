"""The variance of noisy values, estimated from the values: unbiased under every noise model."""

from __future__ import annotations

import numpy as np
import pytest

from bench.judging.variance import divergence_weight, neighbourhood, variance_of
from bench.noise import Gamma, Gaussian, Poisson
from bench.noise.poisson_gaussian import PoissonGaussian
from bench.seeds import generator

SIDE = 600
NOISES = [Gaussian(25), Poisson(0.05), Gamma(4), PoissonGaussian(0.02, 0.002), PoissonGaussian(0.08, -0.01)]
DRAWS = SIDE**2

every_noise = pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.spec)


def flat_image(noise) -> np.ndarray:
    return noise.sample(np.full((SIDE, SIDE, 1), 0.4), generator("variance", noise.spec)).astype(float)


@every_noise
def test_mean_is_the_variance(noise):
    y = flat_image(noise)
    estimates = variance_of(y, noise) + np.zeros_like(y)
    error = 5 * estimates.std() / np.sqrt(DRAWS) + 1e-12
    assert error < 0.02 * noise.variance(0.4)
    assert estimates.mean() == pytest.approx(noise.variance(0.4), abs=error)


@every_noise
def test_weighted_slopes_are_the_covariance_up_to_second_derivatives(noise):
    """E[(y - x) f] = E[u f'] for f = y and f = y^2, though the skewed noise correlates y with f'."""
    y, x = flat_image(noise), 0.4
    u = divergence_weight(y, noise) + np.zeros_like(y)
    for f, slope in ((y, np.ones_like(y)), (y**2, 2 * y)):
        apart = (y - x) * f - u * slope
        error = 5 * apart.std() / np.sqrt(DRAWS / 4)  # neighbours share a part of u
        assert error < 0.1 * ((y - x) * f).mean()
        assert apart.mean() == pytest.approx(0, abs=error)


def test_the_variance_itself_as_a_weight_is_biased():
    noise, x = Poisson(0.05), 0.4
    y = flat_image(noise)
    covariance = ((y - x) * y**2).mean()
    assert (variance_of(y, noise) * 2 * y).mean() > 1.02 * covariance
    assert (noise.variance(x) * 2 * y).mean() < 0.98 * covariance


def test_the_neighbourhood_leaves_out_the_value_itself():
    impulse = np.zeros((15, 15, 1))
    impulse[7, 7] = 1
    around = neighbourhood(impulse)[..., 0]
    assert around[7, 7] == 0
    assert around.sum() == pytest.approx(1)
    assert around[7, 8] == around[6, 7] > around[6, 6] > around[5, 5]
