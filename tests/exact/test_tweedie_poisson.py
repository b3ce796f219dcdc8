"""The rule of Poisson noise approximates the geometric posterior mean; Robbins' rule is the mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import digamma
from torch import Tensor

from bench.noise import Poisson
from methods.noise2score import COUNTS_ADDED, Noise2Score
from tests.support.methods.calculus import column, progress_of, quadrature, slope_of
from tests.support.methods.networks import network_with
from tests.support.methods.noises import end_for, every_domain


@dataclass(frozen=True)
class GammaPrior:
    """x ~ Gamma(shape, rate), under which counts z are negative binomial."""

    shape: int
    rate: int

    def log_marginal(self, y: Tensor, zeta: float) -> Tensor:
        """Compute log P(z), interpolated between counts z = y / zeta by the log-gamma function."""
        z, odds = y / zeta, self.rate * zeta
        ways = torch.lgamma(z + self.shape) - torch.lgamma(z + 1) - math.lgamma(self.shape)
        return ways + self.shape * math.log(odds) - (z + self.shape) * math.log1p(odds)

    def score(self, y: Tensor, zeta: float) -> Tensor:
        return slope_of(lambda y: self.log_marginal(y, zeta), y)

    def posterior(self, z: np.ndarray | float, zeta: float) -> stats.rv_frozen:
        """Return the distribution of x given y, Gamma(z + shape, rate + 1 / zeta)."""
        return stats.gamma(z + self.shape, scale=1 / (self.rate + 1 / zeta))

    def geometric_mean(self, z: np.ndarray | float, zeta: float) -> np.ndarray:
        """Compute exp E[log x given y]."""
        return np.exp(digamma(z + self.shape)) / (self.rate + 1 / zeta)


BROAD, NARROW = GammaPrior(4, 10), GammaPrior(81, 180)
every_case = pytest.mark.parametrize(
    ("noise", "prior"), [(Poisson(0.01), BROAD), (Poisson(0.05), BROAD), (Poisson(0.05), NARROW)], ids=str
)


@every_case
@pytest.mark.parametrize("z", [0, 1, 7, 40])
def test_closed_forms_of_the_prior_by_quadrature(noise: Poisson, prior: GammaPrior, z: int):
    distribution = stats.gamma(prior.shape, scale=1 / prior.rate)

    def moment(function) -> float:
        return quadrature(
            lambda x: function(x) * distribution.pdf(x) * stats.poisson.pmf(z, x / noise.zeta), 1e-9, 4
        )

    chance = moment(lambda x: 1.0)
    log_chance = prior.log_marginal(column(z * noise.zeta), noise.zeta).item()
    assert log_chance == pytest.approx(math.log(chance), abs=1e-7)
    mean = moment(lambda x: x) / chance
    assert mean == pytest.approx(prior.posterior(z, noise.zeta).mean(), rel=1e-7)
    geometric = math.exp(moment(math.log) / chance)
    assert geometric == pytest.approx(prior.geometric_mean(z, noise.zeta), rel=1e-7)


@pytest.mark.parametrize(
    ("zeta", "y", "score", "rule", "mean"),
    [(0.01, 0.4, -2.38545981, 0.39545321, 0.4), (0.05, 0.8, -4.76908888, 0.64997178, 2 / 3)],
)
def test_values_computed_independently(zeta: float, y: float, score: float, rule: float, mean: float):
    given = BROAD.score(column(y), zeta)
    assert given.item() == pytest.approx(score, abs=1e-7)
    assert Poisson(zeta).tweedie(column(y), given).item() == pytest.approx(rule, abs=1e-7)
    assert BROAD.posterior(y / zeta, zeta).mean() == pytest.approx(mean, abs=1e-7)


def test_geometric_mean_computed_independently():
    assert BROAD.geometric_mean(40, 0.01) == pytest.approx(0.39546325, abs=1e-7)


@every_case
def test_rule_approximates_the_geometric_mean(noise: Poisson, prior: GammaPrior):
    z = torch.arange(100, dtype=torch.float64)
    estimate = noise.tweedie(noise.zeta * z, prior.score(noise.zeta * z, noise.zeta)).numpy()
    geometric = prior.geometric_mean(z.numpy(), noise.zeta)
    # The rule puts z + 1/2 for exp digamma(z + 1), which differ by at most 1 / (24 (z + 1/2)) in counts.
    error = np.abs(estimate / geometric - 1)
    assert (error < 1 / (24 * (z.numpy() + 0.5) ** 2)).all()
    assert error[10] > 1e-6  # so that the bound is meaningful


@every_case
def test_rule_falls_half_a_count_short_of_robbins(noise: Poisson, prior: GammaPrior):
    """Robbins: E[x given y] = (y + zeta) p(y + zeta) / p(y), exactly."""
    zeta, z = noise.zeta, torch.arange(10, 100, dtype=torch.float64)
    y = zeta * z
    ratio = torch.exp(prior.log_marginal(y + zeta, zeta) - prior.log_marginal(y, zeta))
    mean = zeta * (z + prior.shape) / (1 + prior.rate * zeta)
    torch.testing.assert_close((y + zeta) * ratio, mean, rtol=1e-10, atol=0)
    np.testing.assert_allclose(mean, prior.posterior(z.numpy(), zeta).mean(), rtol=1e-12)
    # n - exp digamma(n) = 1/2 - O(1 / n) with n = z + shape; the rule's own error adds up to n / (24 z^2).
    short = (mean - noise.tweedie(y, prior.score(y, zeta))) * (prior.rate + 1 / zeta)
    torch.testing.assert_close(short, torch.full_like(short, 0.5), rtol=0, atol=0.05)


@every_domain
def test_rule_is_the_same_in_either_domain(domain: str):
    noise, y = Poisson(0.05), 0.05 * torch.arange(30, dtype=torch.float64).view(1, 1, 5, 6)
    method = Noise2Score(domain=domain, formula="paper")

    def score(y: Tensor) -> Tensor:
        return BROAD.score(y, noise.zeta)

    def score_of_root(v: Tensor) -> Tensor:
        """The density of v is p(y) dy/dv with dy/dv = 2 v."""
        return 2 * v * score(v**2 - COUNTS_ADDED * noise.zeta) + 1 / v

    network = network_with(score_of_root if domain == "stabilised" else score, noise, method)
    expected = (y + noise.zeta / 2) * torch.exp(noise.zeta * score(y))
    torch.testing.assert_close(method.denoise(network, y, noise), expected, rtol=1e-10, atol=0)


def test_two_steps_leave_the_root_once():
    noise, sigma_a = Poisson(0.05), 0.05
    method = Noise2Score(end=end_for(noise, "stabilised", sigma_a))
    y = torch.linspace(0.2, 1.5, 30, dtype=torch.float64).view(1, 1, 5, 6)
    v = torch.sqrt(y + COUNTS_ADDED * noise.zeta)
    s_v = 5 * torch.sin(v)
    denoised = method.denoise(network_with(lambda v: 5 * torch.sin(v), noise, method), y, noise)
    moved = v + sigma_a**2 * s_v
    s_y = s_v / (2 * moved) - 1 / (2 * moved**2)
    expected = (moved**2 + (0.5 - COUNTS_ADDED) * noise.zeta) * torch.exp(noise.zeta * s_y)
    torch.testing.assert_close(denoised, expected, rtol=1e-6, atol=0)  # sigma_a is a float32 tensor


def lattice_score(zeta: float, chances: Tensor, *, blur: float):
    """Compute the score of zeta z, z = 0, 1, ... with given probabilities, blurred by ``blur`` counts."""
    counts = torch.arange(len(chances), dtype=torch.float64)

    def score(y: Tensor) -> Tensor:
        away = counts - y[..., None] / zeta
        parts = chances * torch.exp(-0.5 * (away / blur) ** 2)
        return (parts * away).sum(dim=-1) / parts.sum(dim=-1) / blur**2 / zeta

    return score


LATTICE = Poisson(0.05)
COUNTS = torch.arange(100, dtype=torch.float64)


def chances_of(prior: GammaPrior) -> Tensor:
    """Compute the probability of each count."""
    return torch.exp(prior.log_marginal(LATTICE.zeta * COUNTS, LATTICE.zeta))


CHANCES = chances_of(NARROW)


@pytest.mark.parametrize(("blur", "per_count"), [(0.3, 0.0521), (0.7, 0.5786)])
def test_score_on_the_lattice_fades_with_the_perturbation(blur: float, per_count: float):
    score = lattice_score(LATTICE.zeta, CHANCES, blur=blur)
    assert LATTICE.zeta * score(column(4 * LATTICE.zeta)).item() == pytest.approx(per_count, abs=1e-4)


def on_the_lattice(formula: str, blur: float) -> np.ndarray:
    """Denoise every count by the exact score of the perturbed lattice."""
    method = Noise2Score(domain="raw", formula=formula, end=blur)
    score = lattice_score(LATTICE.zeta, CHANCES, blur=blur)
    y = (LATTICE.zeta * COUNTS).view(1, 1, 10, 10)
    return method.denoise(network_with(score, LATTICE, method), y, LATTICE).flatten().numpy()


def test_two_steps_on_the_lattice_computed_apart():
    assert on_the_lattice("two_step", 0.7)[4] == pytest.approx(0.42659, abs=1e-4)
    assert NARROW.posterior(4, LATTICE.zeta).mean() == pytest.approx(0.425, abs=1e-12)


def decibels(denoised: np.ndarray, prior: GammaPrior = NARROW) -> float:
    """Return how much larger the mean squared error is than that of the posterior mean, in dB."""
    posterior, chances = prior.posterior(COUNTS.numpy(), LATTICE.zeta), chances_of(prior).numpy()
    excess = (chances * (denoised - posterior.mean()) ** 2).sum() / (chances * posterior.var()).sum()
    return 10 * np.log10(1 + excess)


@pytest.mark.parametrize(
    ("formula", "blur", "at_least", "at_most"),
    [("two_step", 0.7, 0.0, 0.02), ("paper", 0.7, 0.2, 0.4), ("two_step", 0.2, 5.0, np.inf)],
)
def test_counts_lie_on_a_lattice(formula: str, blur: float, at_least: float, at_most: float):
    """Raw counts need a perturbation of some .7 count, and then the second step; the loss is in dB."""
    assert at_least <= decibels(on_the_lattice(formula, blur)) < at_most


PRIORS = {mean: GammaPrior(shape, round(shape / mean)) for mean, shape in ((0.1, 4), (0.2, 25), (0.8, 64))}
PRIORS |= {0.45: NARROW}
"""Mean intensity -> prior, from dark to bright."""


def worst_loss(added: float, end: float | None) -> float:
    """Return what the exact score of the perturbed lattice loses to the posterior mean, in dB."""
    method = Noise2Score(end=end)
    sigma_a = method.sigma_a(LATTICE, progress_of(1)).item()
    y = LATTICE.zeta * COUNTS
    roots = torch.sqrt(y + added * LATTICE.zeta)

    def loss(prior: GammaPrior) -> float:
        def score(v: Tensor) -> Tensor:
            away = roots - v[..., None]
            weights = torch.softmax(chances_of(prior).log() - 0.5 * (away / sigma_a) ** 2, dim=-1)
            return (weights * away).sum(dim=-1) / sigma_a**2

        net = network_with(score, LATTICE, method)
        return decibels(method.denoise(net, y.view(1, 1, 10, 10), LATTICE).flatten().numpy(), prior)

    return max(loss(prior) for prior in PRIORS.values())


def test_the_default_perturbation_hides_the_lattice_with_the_least_bias():
    """Smaller ones show the counts, larger ones blur the prior."""
    losses = {end: worst_loss(COUNTS_ADDED, end) for end in (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)}
    assert worst_loss(COUNTS_ADDED, None) < 0.3 < min(losses.values())
    assert losses[0.1] > 7


def test_anscombes_root_leaves_dark_counts_too_far_apart(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("methods.noise2score.COUNTS_ADDED", 3 / 8)
    losses = {end: worst_loss(3 / 8, end) for end in (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)}
    assert min(losses.values()) > 0.7
    assert losses[0.5] > 1
