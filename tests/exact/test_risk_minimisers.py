"""The minimisers of estimated risks over all denoisers: the posterior mean if the estimate is exact.

A training run finds a minimiser, so an estimate is judged by it and not by its mean for a fixed denoiser. The
losses are those of the method, for networks that look up their output in a table or combine functions of one
pixel; expectations over noise and draws are sums over all values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.interpolate import BSpline
from torch import Tensor

from bench.method import Batch
from bench.noise import Gamma, Noise, Poisson
from methods.sure import Sure
from tests.support.methods.calculus import progress_of, rng_of
from tests.support.methods.networks import Spy

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""Maps parameters and images (M, 1, 1, W) to denoised images."""


@dataclass(frozen=True)
class Draws:
    """All noisy images and all that a loss draws for them, with the chance of each.

    Args:
        noisy: y, (M, 1, 1, W), float64.
        coins: what ``bernoulli_`` returns, like ``noisy``.
        uniforms: what ``uniform_`` returns, like ``noisy``.
        chances: of each image with its draws, (M,).
    """

    noisy: Tensor
    coins: Tensor
    uniforms: Tensor
    chances: Tensor


@pytest.fixture
def expected(monkeypatch: pytest.MonkeyPatch):
    """Return a function that computes the expected loss of a method exactly."""

    def loss(method: Sure, net: Callable[[Tensor], Tensor], noise: Noise, draws: Draws) -> Tensor:
        monkeypatch.setattr(Tensor, "bernoulli_", lambda *_, generator: draws.coins)
        monkeypatch.setattr(Tensor, "uniform_", lambda *_, generator: draws.uniforms)
        losses = method.loss(net, Batch({"noisy": draws.noisy}, noise), rng_of(), progress_of(0))
        return draws.chances @ losses

    return loss


def minimiser(expected, method: Sure, denoiser: Denoiser, noise: Noise, draws: Draws, size: int) -> Tensor:
    """Return the parameters of the least expected loss, of a denoiser that is linear in them."""

    def risk(parameters: Tensor) -> Tensor:
        return expected(method, lambda image: denoiser(parameters, image), noise, draws)

    zero = torch.zeros(size, dtype=torch.float64)
    curvature = torch.autograd.functional.hessian(risk, zero, vectorize=True)
    slope = torch.autograd.functional.jacobian(risk, zero)
    seen = curvature.diagonal() > 0
    # Scaled, since the chances of values far from the mean are tiny.
    scale = curvature.diagonal()[seen].rsqrt()
    scaled = scale[:, None] * curvature[seen][:, seen] * scale
    zero[seen] = -scale * torch.linalg.solve(scaled, scale * slope[seen])
    return zero


def restored(y: np.ndarray, noise: Noise, *, thinned: float) -> np.ndarray:
    """Return T(y), what the network is given for values that are not thinned."""
    match noise:
        case Poisson(zeta=zeta):
            return y + thinned * zeta * (y > 0)
        case Gamma(k=k):
            return y * (k + 1) / (k + 1 - thinned)


# Poisson noise: every denoiser is a table over the lattice of counts


def counted_draws(counts: np.ndarray, chances: np.ndarray, zeta: float, *, heads: float) -> Draws:
    """Combine counts (M, W) with all outcomes of a coin per pixel, which shows heads with a given chance."""
    pixels = counts.shape[1]
    coins = np.array(np.meshgrid(*[[0.0, 1.0]] * pixels)).reshape(pixels, -1).T
    weights = np.where(coins, heads, 1 - heads).prod(axis=1)
    every = [np.repeat(counts, len(coins), axis=0), np.tile(coins, (len(counts), 1))]
    noisy, flips = (torch.from_numpy(each.astype(np.float64))[:, None, None] for each in every)
    return Draws(zeta * noisy, flips, flips, torch.from_numpy(np.outer(chances, weights).ravel()))


def counts_of(image: Tensor, zeta: float) -> Tensor:
    """Return the counts z of values y = zeta z, or T(y), which is less than a count more."""
    return (image / zeta + 1e-6).floor().long()


def looked_up(zeta: float) -> Denoiser:
    """Return the denoiser of one pixel whose parameters are its outputs at -1, 0, 1, ... counts."""
    return lambda table, image: table[counts_of(image, zeta) + 1]


@dataclass(frozen=True)
class Mixture:
    """A prior of a few intensities with their chances."""

    intensities: tuple[float, ...]
    chances: tuple[float, ...]

    def of_counts(self, counts: np.ndarray, zeta: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the chance of each count, and the posterior mean given it."""
        x = np.array(self.intensities)
        joint = stats.poisson.pmf(counts[:, None], x / zeta) * self.chances
        return joint.sum(axis=1), joint @ x / joint.sum(axis=1)


@dataclass(frozen=True)
class GammaPrior:
    """A Gamma distribution of intensities, conjugate to Poisson noise."""

    shape: float
    rate: float

    def of_counts(self, counts: np.ndarray, zeta: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the chance of each count, and the posterior mean given it."""
        chances = stats.nbinom.pmf(counts, self.shape, self.rate / (self.rate + 1 / zeta))
        return chances, (self.shape + counts) / (self.rate + 1 / zeta)


def minimiser_of_counts(
    expected, method: Sure, prior: Mixture | GammaPrior, zeta: float, *, heads: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the minimiser for one pixel, the posterior mean and the chance of each usual count."""
    counts = np.arange(round(2.5 / zeta) + 40)
    chances, mean = prior.of_counts(counts, zeta)
    draws = counted_draws(counts[:, None], chances, zeta, heads=heads)
    size = len(counts) + 2
    table = minimiser(expected, method, looked_up(zeta), Poisson(zeta), draws, size)[1:-1].numpy()
    usual = chances > 1e-7
    return table[usual], mean[usual], chances[usual]


PRIORS = [Mixture((0.2, 0.5, 0.9), (0.3, 0.5, 0.2)), GammaPrior(4, 10), Mixture((0.1, 0.12), (0.5, 0.5))]


@pytest.mark.parametrize("thinned", [0.05, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("zeta", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_exact_poisson_risk_is_least_at_the_posterior_mean(
    expected, prior: Mixture | GammaPrior, zeta: float, thinned: float
):
    found, mean, _ = minimiser_of_counts(expected, Sure(thinned=thinned), prior, zeta, heads=thinned)
    assert len(found) > 10
    np.testing.assert_allclose(found, mean, rtol=1e-6)


@pytest.mark.parametrize("x", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("zeta", [0.01, 0.05])
def test_first_order_pure_misses_by_half_of_zeta_squared(expected, zeta: float, x: float):
    """With steps of one count, y - (y (y - zeta) / x - x) / 2 is its minimiser if x is known.

    In counts its error is a Charlier polynomial of degree two, whose mean square is 1 / 2 at every intensity.
    """
    method = Sure(risk="first_order", eps=zeta)
    found, mean, chances = minimiser_of_counts(expected, method, Mixture((x,), (1.0,)), zeta, heads=0.5)
    np.testing.assert_allclose(mean, x)
    assert chances @ (found - x) ** 2 == pytest.approx(zeta**2 / 2, rel=1e-3)


@pytest.mark.parametrize("thinned", [0.01, 0.1, 0.4])
def test_exact_risk_of_two_pixels_is_least_at_the_mean_given_a_thinned_neighbour(expected, thinned: float):
    """Two pixels of equal intensity; every function of both counts is a denoiser."""
    zeta, counts = 0.2, np.arange(20)
    x, prior = np.array([0.2, 0.6, 1.0]), np.array([0.3, 0.3, 0.4])
    of_count = stats.poisson.pmf(counts[:, None], x / zeta)
    of_pair = np.einsum("ax,bx,x->abx", of_count, of_count, prior)
    pairs = np.stack(np.meshgrid(counts, counts, indexing="ij"), axis=-1).reshape(-1, 2)
    draws = counted_draws(pairs, of_pair.sum(axis=-1).ravel(), zeta, heads=thinned)

    def looked_up_in_pairs(table: Tensor, image: Tensor) -> Tensor:
        own = counts_of(image, zeta)
        return table.view(len(counts), -1)[own, own.flip(-1)]

    table = minimiser(
        expected, Sure(thinned=thinned), looked_up_in_pairs, Poisson(zeta), draws, len(counts) ** 2
    )
    # The neighbour loses one of its counts, unless it has none, with the chance of heads.
    kept = np.where(counts == 0, 1.0, 1 - thinned)[:, None] * of_count
    kept[:-1] += thinned * of_count[1:]
    given_thinned = np.einsum("ax,bx,x->abx", of_count, kept, prior)
    usual = of_pair.sum(axis=-1) > 1e-6
    mean = (given_thinned @ x / given_thinned.sum(axis=-1))[usual]
    found = table.view(len(counts), -1).numpy()[usual]
    np.testing.assert_allclose(found, mean, rtol=1e-6)
    exact = (of_pair @ x / of_pair.sum(axis=-1))[usual]
    # What the thinned neighbour costs, as a table takes T(y) for y and so undoes the restoring: of second
    # order in p, at most (p times the share of one count)^2.
    assert of_pair.sum(axis=-1)[usual] @ (found - exact) ** 2 < (thinned * zeta / 2) ** 2


# Gamma noise: denoisers are splines or polynomials


@dataclass(frozen=True)
class InverseGammaPrior:
    """An inverse Gamma distribution of intensities, conjugate to Gamma noise."""

    shape: float
    scale: float


def values_of(prior: InverseGammaPrior | Mixture, y: np.ndarray, k: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the density of each y under Gamma noise, and the posterior mean given it."""
    if isinstance(prior, InverseGammaPrior):
        density = stats.betaprime.pdf(y, k, prior.shape, scale=prior.scale / k)
        return density, (k * y + prior.scale) / (prior.shape + k - 1)
    x = np.array(prior.intensities)
    joint = stats.gamma.pdf(y[:, None], k, scale=x / k) * prior.chances
    return joint.sum(axis=1), joint @ x / joint.sum(axis=1)


def nodes_of_gamma(k: float, x: float) -> tuple[np.ndarray, np.ndarray]:
    """Return values of y for a known x, and their weights, whose weighted sum is the expectation."""
    distribution = stats.gamma(k, scale=x / k)
    node, weight = np.polynomial.legendre.leggauss(200)
    low, high = distribution.ppf(1e-14), distribution.isf(1e-14)
    y = low + (high - low) * (node + 1) / 2
    return y, weight * (high - low) / 2 * distribution.pdf(y)


def continuous_draws(y: np.ndarray, chances: np.ndarray, *, heads: float) -> Draws:
    """Combine values y with both sides of a coin and with nodes of a quadrature over uniform numbers."""
    node, weight = np.polynomial.laguerre.laggauss(20)  # minus their logarithm is exponential
    noisy, coins, uniforms = (
        torch.from_numpy(each.reshape(-1, 1, 1, 1))
        for each in np.meshgrid(y, [0.0, 1.0], np.exp(-node), indexing="ij")
    )
    weights = np.einsum("y,b,u->ybu", chances, [1 - heads, heads], weight).ravel()
    return Draws(noisy, coins, uniforms, torch.from_numpy(weights))


def splines(low: float, high: float, count: int) -> Denoiser:
    """Return the denoiser that is a cubic spline of log y, constant beyond its ends."""
    inner = np.linspace(math.log(low), math.log(high), count - 2)
    knots = np.pad(inner, 3, mode="edge")

    def denoiser(coefficients: Tensor, image: Tensor) -> Tensor:
        at = np.log(image.numpy()).clip(inner[0], inner[-1])
        basis = BSpline.design_matrix(at.ravel(), knots, 3).toarray()
        return (torch.from_numpy(basis) @ coefficients).view(image.shape)

    return denoiser


@pytest.mark.parametrize("thinned", [0.1, 0.5])
@pytest.mark.parametrize("k", [20, 50])
@pytest.mark.parametrize("prior", [InverseGammaPrior(20, 8), Mixture((0.4, 0.5), (0.6, 0.4))], ids=str)
def test_exact_gamma_risk_is_least_at_the_posterior_mean(
    expected, prior: InverseGammaPrior | Mixture, k: float, thinned: float
):
    edges = np.geomspace(0.05, 4, 601)
    y = np.sqrt(edges[1:] * edges[:-1])
    density, mean = values_of(prior, y, k)
    draws = continuous_draws(y, density * np.diff(edges), heads=thinned)
    denoiser = splines(edges[0], edges[-1], 60)
    coefficients = minimiser(expected, Sure(thinned=thinned), denoiser, Gamma(k), draws, 60)
    found = denoiser(coefficients, torch.from_numpy(restored(y, Gamma(k), thinned=thinned))).numpy()
    usual = density > 1e-3 * density.max()
    np.testing.assert_allclose(found[usual], mean[usual], rtol=1e-3)


@pytest.mark.parametrize("x", [0.2, 0.8])
@pytest.mark.parametrize("k", [20, 50, 100])
def test_first_order_gamma_risk_misses_by_twice_x_squared_over_k_squared(expected, k: float, x: float):
    """2 y - k y^2 / ((k + 1) x) is its minimiser if x is known, a polynomial; error 2 x^2 / (k (k + 1))."""
    y, chances = nodes_of_gamma(k, x)
    powers = torch.arange(5)

    def polynomial(coefficients: Tensor, image: Tensor) -> Tensor:
        return ((image[..., None] / x) ** powers) @ coefficients

    draws = continuous_draws(y, chances, heads=0.5)
    method = Sure(risk="first_order", eps=1e-4)
    found = minimiser(expected, method, polynomial, Gamma(k), draws, len(powers))
    np.testing.assert_allclose(found, [0, 2 * x, -k / (k + 1) * x, 0, 0], atol=1e-3 * x)
    missed = chances @ (polynomial(found, torch.from_numpy(y)).numpy() - x) ** 2
    assert missed == pytest.approx(2 * x**2 / (k * (k + 1)), rel=1e-3)


# The mean for a fixed denoiser


@pytest.mark.parametrize("thinned", [0.1, 0.6])
@pytest.mark.parametrize("x", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("noise", [Poisson(0.01), Poisson(0.05), Gamma(20), Gamma(100)], ids=str)
def test_exact_risk_of_a_fixed_denoiser(expected, noise: Noise, x: float, thinned: float):
    """For one pixel it is the squared error of f(T(y)), however curved the denoiser f is."""

    def wavy(image: Tensor) -> Tensor:
        return 0.3 + 0.4 * torch.tanh(3 * (image - 0.5)) + 0.05 * torch.sin(12 * image)

    match noise:
        case Poisson(zeta=zeta):
            counts = np.arange(math.ceil(x / zeta + 20 * math.sqrt(x / zeta) + 20))
            y, chances = zeta * counts, stats.poisson.pmf(counts, x / zeta)
            draws = counted_draws(counts[:, None], chances, zeta, heads=thinned)
        case Gamma(k=k):
            y, chances = nodes_of_gamma(k, x)
            draws = continuous_draws(y, chances, heads=thinned)
    seen = torch.from_numpy(restored(y, noise, thinned=thinned))
    true = chances @ (wavy(seen).numpy() - x) ** 2
    assert expected(Sure(thinned=thinned), wavy, noise, draws).item() == pytest.approx(true, rel=1e-7)


# The mean of what the network is given


@pytest.mark.parametrize("thinned", [0.1, 0.4, 0.9])
@pytest.mark.parametrize("noise", [Poisson(0.01), Poisson(0.05), Gamma(5), Gamma(50)], ids=str)
def test_thinning_leaves_the_mean_of_each_value(expected, noise: Noise, thinned: float):
    """Over all draws, and but for single counts, of which there is nothing left to restore."""
    counts = np.arange(30)
    mean = y = counts * noise.parameter if isinstance(noise, Poisson) else counts / 20
    every = np.ones(len(y))  # The weight of each value, so that those of its draws add up to one.
    if isinstance(noise, Poisson):
        draws = counted_draws(counts[:, None], every, noise.parameter, heads=thinned)
        mean = np.where(counts == 1, (1 - thinned**2) * y, y)
    else:
        draws = continuous_draws(y, every, heads=thinned)
    spy = Spy(torch.tanh)
    expected(Sure(thinned=thinned), spy, noise, draws)
    seen = spy.seen[0].chunk(2)[1].flatten()
    found = (draws.chances * seen).view(len(y), -1).sum(dim=1).numpy()
    np.testing.assert_allclose(found, mean, rtol=1e-9)
