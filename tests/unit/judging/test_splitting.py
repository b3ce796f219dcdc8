"""Splitting one image into two independent ones: moments, independence, errors of any denoiser."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import InputError
from bench.judging.splitting import extrapolated_error, split, splitting_error
from bench.noise import Gamma, Gaussian, Poisson
from bench.noise.poisson_gaussian import PoissonGaussian
from bench.seeds import generator
from tests.support.judging import assert_unbiased, blur, clean_image, median, repeated

X = clean_image()
EXACT = [Gaussian(25), Poisson(0.02), Gamma(20)]
NOISES = [*EXACT, PoissonGaussian(0.01, 0.001)]
DRAWS = 200_000

every_noise = pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.spec)


@every_noise
def test_both_parts_have_mean_x_and_the_given_variances(noise):
    x, a = 0.4, 0.2
    y = noise.sample(np.full((DRAWS, 1, 1), x), generator("y", noise.spec)).astype(float)
    parts = split(y, noise, a, generator("split"))
    np.testing.assert_allclose((1 - a) * parts.first + a * parts.second, y, atol=1e-7)
    for part, share in ((parts.first, 1 - a), (parts.second, a)):
        variance = noise.variance(x) / share
        assert part.mean() == pytest.approx(x, abs=5 * np.sqrt(variance / DRAWS))
        # The kurtosis of the skewest part, of few counts, is below 10.
        assert part.var() == pytest.approx(variance, rel=5 * np.sqrt(10 / DRAWS))
    assert (parts.variance + 0 * y).mean() == pytest.approx(noise.variance(x) / a, rel=0.01)


@pytest.mark.parametrize("noise", EXACT, ids=lambda noise: noise.spec)
@pytest.mark.parametrize("power", [1, 2, 3])
def test_the_parts_are_independent(noise, power):
    y = noise.sample(np.full((DRAWS, 1, 1), 0.4), generator("y", noise.spec)).astype(float)
    first, second, *_ = split(y, noise, 0.3, generator("split"))
    moments = [np.corrcoef(first.ravel() ** power, second.ravel() ** other)[0, 1] for other in (1, 2)]
    assert np.abs(moments).max() < 5 / np.sqrt(DRAWS)


def test_a_wrong_parameter_makes_the_parts_dependent():
    """The covariance of the parts is the error of the assumed variance, with a minus sign."""
    y = Gaussian(25).sample(np.full((DRAWS, 1, 1), 0.4), generator("y")).astype(float)
    first, second, *_ = split(y, Gaussian(30), 0.3, generator("split"))
    covariance = np.cov(first.ravel(), second.ravel())[0, 1]
    assert covariance == pytest.approx((25**2 - 30**2) / 255**2, rel=0.1)


@pytest.mark.parametrize("noise", EXACT, ids=lambda noise: noise.spec)
@pytest.mark.parametrize("denoiser", [blur, median], ids=["linear", "not smooth"])
def test_mean_is_the_true_error_on_the_first_part(noise, denoiser):
    estimates, truths = [], []
    for rng in repeated(300, noise.spec):
        parts = split(noise.sample(X, rng), noise, 0.3, rng)
        estimates.append(splitting_error(denoiser, [parts]).mean())
        truths.append(((denoiser(parts.first) - X) ** 2).mean())
    assert_unbiased(estimates, truths, tolerance=0.3)


def test_poisson_gaussian_splits_give_the_error_of_linear_denoisers():
    noise, estimates, truths = PoissonGaussian(0.02, 0.001), [], []
    for rng in repeated(300, noise.spec):
        parts = split(noise.sample(X, rng), noise, 0.3, rng)
        estimates.append(splitting_error(blur, [parts]).mean())
        truths.append(((blur(parts.first) - X) ** 2).mean())
    assert_unbiased(estimates, truths, tolerance=0.3)


def test_extrapolation_reaches_the_error_on_the_whole_image():
    """The error of a linear filter is linear in the variance of its noise, so extrapolation is exact."""
    noise, estimates, near, truths = Gaussian(50), [], [], []
    for rng in repeated(400, "extrapolated"):
        y = noise.sample(X, rng).astype(float)
        few, many = ([split(y, noise, share, rng) for _ in range(2)] for share in (0.4, 0.7))
        estimates.append(extrapolated_error(blur, few, many).mean())
        near.append(splitting_error(blur, many).mean())
        truths.append(((blur(y) - X) ** 2).mean())
    assert_unbiased(estimates, truths, tolerance=0.3)
    assert np.mean(near) > 1.3 * np.mean(truths)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_impossible_shares_are_refused(share):
    with pytest.raises(InputError, match=f"share of {share}"):
        split(X, Gaussian(25), share, generator("split"))
