"""The rule of Gamma noise gives the harmonic mean 1 / E[1/x given y], any prior, in either domain."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from bench.noise import Gamma
from methods.noise2score import Noise2Score
from tests.support.methods.calculus import column, progress_of, quadrature, slope_of
from tests.support.methods.networks import network_with
from tests.support.methods.noises import end_for, every_domain

SHAPE, SCALE = 6, 2.5  # of the inverse Gamma prior
GAMMA_PRIOR = stats.gamma(81, scale=1 / 180)
INVERSE_GAMMA_PRIOR = stats.invgamma(SHAPE, scale=SCALE)


def score_under_inverse_gamma(y: Tensor, k: float) -> Tensor:
    """Differentiate the marginal y^(k - 1) / (SCALE + k y)^(SHAPE + k)."""
    return slope_of(lambda y: (k - 1) * torch.log(y) - (SHAPE + k) * torch.log(SCALE + k * y), y)


def by_quadrature(prior: stats.rv_frozen, k: float, y: float) -> tuple[float, float, float]:
    """Compute the score of y, and the harmonic and the arithmetic mean of x given y."""

    def moment(function) -> float:
        return quadrature(lambda x: function(x) * prior.pdf(x) * stats.gamma.pdf(y, k, scale=x / k), 0.02, 3)

    density = moment(lambda x: 1.0)
    slope = moment(lambda x: (k - 1) / y - k / x)  # of the likelihood, by its logarithm
    return slope / density, density / moment(lambda x: 1 / x), moment(lambda x: x) / density


@pytest.mark.parametrize(
    ("prior", "k", "expected", "tolerance"),
    [
        (INVERSE_GAMMA_PRIOR, 100, (-3.90476, 0.49528, 0.5), 1e-5),
        (GAMMA_PRIOR, 100, (-12.18002719, 0.47578260, 0.47827785), 1e-7),
        (GAMMA_PRIOR, 50, (-9.17296480, 0.46653557, 0.46992490), 1e-7),
    ],
    ids=["inverse Gamma, 100", "Gamma, 100", "Gamma, 50"],
)
def test_values_computed_independently(prior: stats.rv_frozen, k: float, expected: tuple, tolerance: float):
    score, harmonic, mean = by_quadrature(prior, k, 0.5)
    assert (score, harmonic, mean) == pytest.approx(expected, abs=tolerance)
    assert Gamma(k).tweedie(column(0.5), column(score)).item() == pytest.approx(harmonic, rel=1e-9)


@pytest.mark.parametrize("prior", [GAMMA_PRIOR, INVERSE_GAMMA_PRIOR], ids=["Gamma", "inverse Gamma"])
@pytest.mark.parametrize("k", [50, 100])
@pytest.mark.parametrize("y", [0.3, 0.8])
def test_rule_is_the_harmonic_mean_and_not_the_mean(prior: stats.rv_frozen, k: int, y: float):
    score, harmonic, mean = by_quadrature(prior, k, y)
    estimate = Gamma(k).tweedie(column(y), column(score)).item()
    assert estimate == pytest.approx(harmonic, rel=1e-9)
    assert estimate < 0.996 * mean


@pytest.mark.parametrize("k", [50, 100])
def test_rule_is_the_harmonic_mean_under_an_inverse_gamma_prior_in_closed_form(k: int):
    y = torch.linspace(0.05, 2, 40, dtype=torch.float64)
    estimate = Gamma(k).tweedie(y, score_under_inverse_gamma(y, k)).numpy()
    # The posterior of x is inverse Gamma too, that of 1 / x is Gamma.
    posterior_scale = SCALE + k * y.numpy()
    harmonic = 1 / stats.gamma(SHAPE + k, scale=1 / posterior_scale).mean()
    mean = stats.invgamma(SHAPE + k, scale=posterior_scale).mean()
    np.testing.assert_allclose(estimate, harmonic, rtol=1e-12)
    np.testing.assert_allclose(mean / estimate, (SHAPE + k) / (SHAPE + k - 1), rtol=1e-10)


@every_domain
def test_rule_is_the_same_in_either_domain(domain: str):
    """s_w = 1 + y s carries the score over to w = log y, and the rule stays k y / ((k - 1) - y s)."""
    noise = Gamma(50)
    y = torch.linspace(0.05, 1.5, 30, dtype=torch.float64).view(1, 1, 5, 6)
    method = Noise2Score(domain=domain, formula="paper")

    def score(y: Tensor) -> Tensor:
        return score_under_inverse_gamma(y, noise.k)

    def score_of_log(w: Tensor) -> Tensor:
        return 1 + torch.exp(w) * score(torch.exp(w))

    network = network_with(score_of_log if domain == "stabilised" else score, noise, method)
    denoised = method.denoise(network, y, noise)
    expected = noise.k * y / (noise.k - 1 - y * score(y))
    torch.testing.assert_close(denoised, expected, rtol=1e-10, atol=0)
    harmonic = (SCALE + noise.k * y) / (SHAPE + noise.k)
    torch.testing.assert_close(denoised, harmonic, rtol=1e-10, atol=0)


def test_two_steps_leave_the_logarithm_once():
    """x_hat = y' / (1 - s_w / k) with log y' = log y + sigma_a^2 s_w."""
    noise, sigma_a = Gamma(50), 0.07
    method = Noise2Score(end=end_for(noise, "stabilised", sigma_a))
    y = torch.linspace(0.05, 1.5, 30, dtype=torch.float64).view(1, 1, 5, 6)
    s_w = 3 * torch.sin(torch.log(y))
    denoised = method.denoise(network_with(lambda w: 3 * torch.sin(w), noise, method), y, noise)
    expected = y * torch.exp(sigma_a**2 * s_w) / (1 - s_w / noise.k)
    torch.testing.assert_close(denoised, expected, rtol=1e-6, atol=0)  # sigma_a is a float32 tensor


@pytest.mark.parametrize("residual", [-0.5, 0.005, 0.02, 0.4, 1.0])
def test_second_step_stays_near_a_black_pixel(residual: float):
    """Where y is 0 so is x, and a residual of the network must not be amplified by the logarithm."""
    noise, method = Gamma(50), Noise2Score()
    denoised = method.denoise(lambda seen: seen + residual, torch.zeros(1, 1, 1, 1), noise).item()
    last = method.sigma_a(noise, progress_of(1)).item()
    # The rule raises a pixel ten times at most, and before it the second step by three sigma_a.
    assert 0 < denoised <= 10.001 * noise.darkest * math.exp(3 * last)
