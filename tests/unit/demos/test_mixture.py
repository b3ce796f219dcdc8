"""The mixture: its exact score against calculus and torch."""

from __future__ import annotations

import torch

from bench.demos.mixture import example_mixture
from bench.demos.mixture_score import SIGMA
from bench.demos.score_errors import quadrature
from bench.noise import Gaussian

NOISE = Gaussian(SIGMA)
SD = SIGMA / 255
NOISY = example_mixture().blurred(SD)
POINTS = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 1.6 - 0.3


def test_exact_score_is_the_gradient_of_the_log_density():
    points = POINTS.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(NOISY.log_density(points).sum(), points)
    torch.testing.assert_close(NOISY.score(POINTS), gradient, rtol=1e-10, atol=1e-10)


def test_exact_score_agrees_with_finite_differences():
    shift = 1e-5 * torch.eye(2, dtype=torch.float64)
    ahead, behind = (NOISY.log_density(POINTS[:, None] + sign * shift) for sign in (1, -1))
    torch.testing.assert_close(NOISY.score(POINTS), (ahead - behind) / 2e-5, rtol=1e-7, atol=1e-7)


def test_log_density_is_that_of_torch():
    components = torch.distributions.MultivariateNormal(NOISY.means, NOISY.covariances)
    chosen = torch.distributions.Categorical(NOISY.weights)
    mixture = torch.distributions.MixtureSameFamily(chosen, components)
    torch.testing.assert_close(NOISY.log_density(POINTS), mixture.log_prob(POINTS))


def test_tweedie_with_the_exact_score_is_the_posterior_mean():
    """E[x given y] by quadrature over the clean points."""
    clean, points = example_mixture(), NOISY.sample(10, torch.Generator().manual_seed(2))
    grid = quadrature(clean)
    x, prior = grid.points.view(-1, 2), grid.mass.view(-1)
    likelihood = torch.exp(-torch.cdist(points, x).square() / (2 * SD**2)) * prior
    expected = likelihood @ x / likelihood.sum(dim=1, keepdim=True)
    torch.testing.assert_close(NOISE.tweedie(points, NOISY.score(points)), expected, rtol=0, atol=1e-5)


def test_samples_have_the_moments_of_the_mixture():
    points = NOISY.sample(200_000, torch.Generator().manual_seed(0))
    mean = NOISY.weights @ NOISY.means
    away = NOISY.means - mean
    covariance = (NOISY.weights[:, None, None] * (NOISY.covariances + away[:, :, None] * away[:, None])).sum(
        0
    )
    # Four standard errors: sd below .3, of squares below .1, over sqrt(200 000).
    torch.testing.assert_close(points.mean(dim=0), mean, rtol=0, atol=3e-3)
    torch.testing.assert_close(points.T.cov(), covariance, rtol=0, atol=1e-3)
