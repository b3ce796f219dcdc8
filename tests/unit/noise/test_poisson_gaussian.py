"""Poisson-Gaussian noise: moments, its two limits, its unbiased inverse and its posterior mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from bench.errors import InputError
from bench.noise import Gaussian, Poisson
from bench.noise.poisson_gaussian import PoissonGaussian
from bench.seeds import generator
from tests.support.methods.calculus import column, rng_of, slope_of

NOISES = [PoissonGaussian(0.02, 0.001), PoissonGaussian(0.1, 0.0), PoissonGaussian(0.08, -0.004)]
DRAWS = 200_000

every_noise = pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.spec)


def copies(noise: PoissonGaussian, x: float, draw: str) -> np.ndarray:
    clean = np.full(DRAWS, x)
    if draw == "sample":
        return noise.sample(clean, generator("copies")).astype(np.float64)
    return noise.draw(torch.from_numpy(clean), rng_of()).numpy()


@every_noise
@pytest.mark.parametrize("draw", ["sample", "draw"])
@pytest.mark.parametrize("x", [0.06, 0.3, 0.9])
def test_mean_and_variance(noise: PoissonGaussian, draw: str, x: float):
    y = copies(noise, x, draw)
    variance = noise.a * x + noise.b
    assert noise.variance(x) == pytest.approx(variance)
    excess = noise.a**3 * (x - noise.black) / variance**2  # that of a Poisson variable, diluted
    assert y.mean() == pytest.approx(x, abs=5 * math.sqrt(variance / DRAWS))
    assert y.var() == pytest.approx(variance, rel=5 * math.sqrt((excess + 2) / DRAWS))


def test_nothing_is_darker_than_the_black_level():
    noise = PoissonGaussian(0.08, -0.004)
    assert noise.black == pytest.approx(0.05)
    assert set(copies(noise, 0.05, "sample")) == {np.float32(0.05)}
    assert copies(noise, 0.1, "sample").min() == np.float32(0.05)


@every_noise
def test_unstabilise_inverts_stabilise(noise: PoissonGaussian):
    y = column(0.06, 0.2, 1.3)
    torch.testing.assert_close(noise.unstabilise(noise.stabilise(y)), y)


@pytest.mark.parametrize("zeta", [0.01, 0.1])
def test_without_electronic_noise_it_is_poisson_noise(zeta: float):
    noise, poisson = PoissonGaussian(zeta, 0.0), Poisson(zeta)
    y, s = column(0.02, 0.2, 0.9), column(3.0, -2.0, 0.5)
    v = noise.stabilise(y)
    torch.testing.assert_close(v, poisson.stabilise(y))
    torch.testing.assert_close(noise.tweedie(y, s), poisson.tweedie(y, s))
    torch.testing.assert_close(noise.raw_score(v, s), poisson.raw_score(v, s))
    assert noise.stabilised_sd == poisson.stabilised_sd
    assert PoissonGaussian.of_stabilised_sd(poisson.stabilised_sd).a == pytest.approx(zeta)


def test_with_few_counts_it_is_gaussian_noise():
    sd = 25 / 255
    y, s = column(0.02, 0.2, 0.9), column(3.0, -2.0, 0.5)
    expected = Gaussian(25).tweedie(y, s)
    torch.testing.assert_close(PoissonGaussian(1e-6, sd**2).tweedie(y, s), expected, atol=1e-5, rtol=0)


def test_a_black_level_shifts_everything():
    noise, poisson = PoissonGaussian(0.08, -0.004), Poisson(0.08)
    y, s = column(0.06, 0.2, 0.9), column(3.0, -2.0, 0.5)
    torch.testing.assert_close(noise.stabilise(y + 0.05), poisson.stabilise(y))
    torch.testing.assert_close(noise.tweedie(y + 0.05, s), poisson.tweedie(y, s) + 0.05)


@every_noise
def test_the_root_has_noise_of_one_strength(noise: PoissonGaussian):
    for x in (0.5, 0.9):
        v = noise.stabilise(torch.from_numpy(copies(noise, x, "sample")))
        # 4 counts, the fewest here, are 3 % off; the rest is the spread of the draws.
        assert float(v.std()) == pytest.approx(noise.stabilised_sd, rel=0.04)


@every_noise
@pytest.mark.parametrize("x", [0.06, 0.2, 0.9])
def test_take_back_inverts_the_mean(noise: PoissonGaussian, x: float):
    v = noise.stabilise(torch.from_numpy(copies(noise, x, "sample"))).double()
    slope = 2 * math.sqrt(noise.a * x + 3 * noise.a**2 / 8 + noise.b) / math.sqrt(noise.a)
    error = 5 * slope * float(v.std()) / math.sqrt(DRAWS) + 2e-4 * noise.a
    assert noise.take_back(v.mean()).item() == pytest.approx(x, abs=error)


def test_take_back_of_images_with_their_own_parameters():
    a, b = torch.tensor([0.02, 0.1]).view(2, 1, 1, 1), torch.tensor([0.001, 0.0]).view(2, 1, 1, 1)
    mean = 0.3 + torch.rand((2, 1, 3, 4), generator=rng_of(), dtype=torch.float64)
    together = PoissonGaussian(a.double(), b.double()).take_back(mean)
    for index in range(2):
        alone = PoissonGaussian(float(a[index].double()), float(b[index].double()))
        torch.testing.assert_close(together[index], alone.take_back(mean[index]))


def test_posterior_mean_from_the_score():
    """The rule against sums over counts under a Gamma prior, and Robbins' identity, which is exact."""
    a, b, shape, scale = 0.02, 0.0004, 20.0, 1.25  # counts are a negative binomial variable
    counts = np.arange(400.0)
    weights = torch.from_numpy(stats.nbinom.pmf(counts, shape, 1 / (1 + scale)))
    light_given_count = torch.from_numpy(a * (shape + counts) * scale / (1 + scale))

    def densities(y: torch.Tensor) -> torch.Tensor:
        return weights * torch.exp(-((y[:, None] - a * torch.from_numpy(counts)) ** 2) / (2 * b))

    def score(y: torch.Tensor) -> torch.Tensor:
        return slope_of(lambda y: densities(y).sum(dim=1).log(), y)

    y = column(0.3, 0.5, 0.8)
    p, next_p = densities(y).sum(dim=1), densities(y + a).sum(dim=1)
    exact = (densities(y) @ light_given_count) / p
    torch.testing.assert_close((y + a + b * score(y + a)) * next_p / p, exact, rtol=1e-9, atol=0)
    assert (exact - y).abs().max() > 5 * a  # there is something to do
    # The geometric mean is lower by half a count times the share of the prior.
    torch.testing.assert_close(PoissonGaussian(a, b).tweedie(y, score(y)), exact, atol=0.3 * a, rtol=0)


def test_name_with_both_parameters():
    assert PoissonGaussian(0.02, 0.001).spec == "poisson-gaussian:0.02,0.001"


@pytest.mark.parametrize(("a", "b", "said"), [(0.0, 0.1, "a is 0.0"), (0.1, math.inf, "b is inf")])
def test_impossible_parameters_are_refused(a: float, b: float, said: str):
    with pytest.raises(InputError, match=said):
        PoissonGaussian(a, b)
