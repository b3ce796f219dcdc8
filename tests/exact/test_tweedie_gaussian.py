"""The rule of Gaussian noise gives the posterior mean; a perturbed score, that of the total variance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from bench.noise import Gaussian
from methods.noise2score import Noise2Score
from tests.support.methods.calculus import column, quadrature
from tests.support.methods.networks import network_with
from tests.support.methods.noises import end_for, every_domain

NOISE = Gaussian(25)
SIGMA_A = 0.05


@dataclass(frozen=True)
class Mixture:
    """A prior that is a mixture of normal distributions."""

    weights: tuple[float, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...]

    def density(self, x: float) -> float:
        return float(np.dot(self.weights, stats.norm.pdf(x, self.means, self.sds)))

    def score(self, y: Tensor, *, noise_variance: float) -> Tensor:
        """Compute the score of x plus normal noise, in closed form."""
        weights, means, sds = (column(*values) for values in (self.weights, self.means, self.sds))
        total = sds**2 + noise_variance
        away = means - y.double()[..., None]
        shares = torch.softmax(torch.log(weights / total.sqrt()) - away**2 / (2 * total), dim=-1)
        return (shares * away / total).sum(dim=-1)

    def posterior_mean(self, y: float, *, noise_variance: float) -> float:
        """Compute E[x given y] by quadrature."""

        def joint(x: float) -> float:
            return self.density(x) * math.exp(-((y - x) ** 2) / (2 * noise_variance))

        return quadrature(lambda x: x * joint(x), -1, 2) / quadrature(joint, -1, 2)


BELL = Mixture((1.0,), (0.45,), (0.2,))
TWO_BELLS = Mixture((0.3, 0.7), (0.2, 0.7), (0.05, 0.1))

every_prior = pytest.mark.parametrize("prior", [BELL, TWO_BELLS], ids=["bell", "two bells"])
every_value = pytest.mark.parametrize("y", [-0.2, 0.1, 0.35, 0.5, 0.7, 1.1])


@pytest.mark.parametrize(
    ("prior", "y", "score", "mean"),
    [(BELL, 0.7, -5.03913515, 0.65156541), (TWO_BELLS, 0.5, 8.95649106, 0.58608700)],
    ids=["bell", "two bells"],
)
def test_values_computed_independently(prior: Mixture, y: float, score: float, mean: float):
    given = prior.score(column(y), noise_variance=NOISE.sd**2)
    assert given.item() == pytest.approx(score, abs=1e-7)
    assert NOISE.tweedie(column(y), given).item() == pytest.approx(mean, abs=1e-7)
    assert prior.posterior_mean(y, noise_variance=NOISE.sd**2) == pytest.approx(mean, abs=1e-7)


@pytest.mark.parametrize(("formula", "expected"), [("paper", 0.57087621), ("two_step", 0.58931111)])
@every_domain
def test_values_of_a_perturbed_score_computed_independently(formula: str, expected: float, domain: str):
    assert denoised(TWO_BELLS, column(0.5), domain, formula).item() == pytest.approx(expected, abs=1e-7)


@every_prior
@every_value
def test_rule_gives_the_posterior_mean(prior: Mixture, y: float):
    score = prior.score(column(y), noise_variance=NOISE.sd**2)
    expected = prior.posterior_mean(y, noise_variance=NOISE.sd**2)
    assert NOISE.tweedie(column(y), score).item() == pytest.approx(expected, rel=1e-8)


def test_rule_gives_the_mean_under_a_normal_prior_in_closed_form():
    y = torch.linspace(-0.5, 1.5, 41, dtype=torch.float64)
    shrink = 0.04 / (0.04 + NOISE.sd**2)
    score = -(y - 0.45) / (0.04 + NOISE.sd**2)
    torch.testing.assert_close(NOISE.tweedie(y, score), 0.45 + shrink * (y - 0.45), rtol=0, atol=1e-14)


def denoised(prior: Mixture, y: Tensor, domain: str, formula: str, *, sigma_a: float = SIGMA_A) -> Tensor:
    """Denoise by the exact score of p * N(0, sigma_a^2), at which Noise2Score's loss is least."""
    method = Noise2Score(domain=domain, formula=formula, end=end_for(NOISE, domain, sigma_a))

    def score(v: Tensor) -> Tensor:
        return prior.score(v, noise_variance=NOISE.sd**2 + sigma_a**2)

    image = y.view(1, 1, 1, -1)
    return method.denoise(network_with(score, NOISE, method), image, NOISE).flatten()


@every_prior
@every_value
@every_domain
def test_two_steps_give_the_posterior_mean_of_the_total_variance(prior: Mixture, y: float, domain: str):
    """Of y' = x + N(0, sigma^2 + sigma_a^2), at y' = y."""
    expected = prior.posterior_mean(y, noise_variance=NOISE.sd**2 + SIGMA_A**2)
    assert denoised(prior, column(y), domain, "two_step").item() == pytest.approx(expected, abs=1e-7)


@every_prior
@every_domain
@pytest.mark.parametrize("relative", [0.1, 0.5, 1.0])
def test_the_formula_of_the_paper_corrects_too_little(prior: Mixture, domain: str, relative: float):
    """It moves y by the fraction sigma^2 / (sigma^2 + sigma_a^2) of the full correction."""
    y, sigma_a = torch.linspace(-0.2, 1.2, 30, dtype=torch.float64), relative * NOISE.sd
    paper, two_step = (
        denoised(prior, y, domain, formula, sigma_a=sigma_a) for formula in ("paper", "two_step")
    )
    torch.testing.assert_close((paper - y) * (1 + relative**2), two_step - y, rtol=0, atol=1e-6)
