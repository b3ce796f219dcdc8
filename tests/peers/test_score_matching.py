"""Noise2Score and Recorrupted-to-Recorrupted against deepinv's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from bench.method import Batch, Network
from bench.noise import Gamma, Gaussian, Noise, Poisson
from methods.noise2score import Noise2Score

if TYPE_CHECKING:
    from torch import nn

LEVELS = [Gaussian(25), Poisson(0.05), Gamma(50)]
every_noise = pytest.mark.parametrize("noise", LEVELS, ids=lambda noise: noise.spec)
Score = Callable[[Tensor], Tensor]


def our_loss(net: Network, noisy: Tensor, noise: Noise, sigma_a: float) -> Tensor:
    """Compute the loss in raw intensities, with noise from torch's global generator like deepinv's."""
    unit = noise.zeta if isinstance(noise, Poisson) else 1.0
    method = Noise2Score(domain="raw", start=sigma_a / unit, end=sigma_a / unit)
    return method.loss(net, Batch({"noisy": noisy}, noise), torch.default_generator, torch.zeros(()))


def score_of(net: Network, noise: Noise) -> Score:
    """Read the score as our method does."""
    return lambda y: Noise2Score(domain="raw").coordinates(noise).score(net, y)


@pytest.fixture
def their_model(deepinv, peer_of):
    """Return deepinv's denoiser for a score."""

    def model(score: Score, noise: Noise, **options) -> nn.Module:
        loss = deepinv.loss.ScoreLoss(noise_model=peer_of(noise), **options)
        return loss.adapt_model(lambda y, physics: score(y))

    return model


@every_noise
@pytest.mark.parametrize("sigma_a", [0.05, 0.2])
def test_loss_is_theirs_up_to_a_factor(
    their_model, net: Network, noisy: Tensor, noise: Noise, sigma_a: float
):
    """Ours is (v / sigma_a)^2 as large, v the noise variance by which a residual is a score."""
    model = their_model(score_of(net, noise), noise, delta=(sigma_a, sigma_a)).eval()
    torch.manual_seed(5)
    model(noisy, None, update_parameters=True)
    torch.manual_seed(5)
    ours = our_loss(net, noisy, noise, sigma_a).mean()
    factor = (noise.variance(np.array(0.5)).item() / sigma_a) ** 2
    torch.testing.assert_close(ours, factor * model.get_error(), rtol=1e-6, atol=0)


@every_noise
def test_loss_in_training_is_theirs_but_for_the_schedule(
    their_model, net: Network, noisy: Tensor, noise: Noise
):
    """deepinv draws one normal sigma_a for each image (Lim et al. 2020), ours follows Kim & Ye."""
    image, seed = noisy[:1], 0
    model = their_model(score_of(net, noise), noise, delta=(0.01, 0.3), total_batches=4).train()
    torch.manual_seed(seed)
    model(image, None, update_parameters=True)
    torch.manual_seed(seed)
    sigma_a = torch.randn((1, 1, 1, 1)).item() * (0.3 * 0.75 + 0.01 * 0.25)
    assert sigma_a > 0  # by choice of the seed
    factor = (noise.variance(np.array(0.5)).item() / sigma_a) ** 2
    torch.testing.assert_close(
        our_loss(net, image, noise, sigma_a).mean(), factor * model.get_error(), rtol=1e-6, atol=0
    )


@pytest.mark.parametrize("noise", [Gaussian(25), Gaussian(50), Gamma(50), Gamma(100)])
def test_formula_of_the_paper_is_theirs(their_model, net: Network, noisy: Tensor, noise: Noise):
    ours = Noise2Score(domain="raw", formula="paper").denoise(net, noisy, noise)
    model = their_model(score_of(net, noise), noise, delta=(0.0, 0.0)).eval()
    torch.testing.assert_close(model(noisy, None), ours, rtol=1e-6, atol=1e-7)


def in_decibels(excess: Tensor, chances: Tensor, posterior_variance: Tensor) -> float:
    """Compute the loss of PSNR relative to the posterior mean, from squared distances ``excess`` to it."""
    share = (chances * excess).sum() / (chances * posterior_variance).sum()
    return (10 * torch.log10(1 + share)).item()


@pytest.mark.parametrize(
    ("zeta", "shape", "rate", "ours_at_most", "theirs_at_least"),
    [(0.01, 4, 10, 0.03, 0.1), (0.05, 4, 10, 0.1, 0.7), (0.05, 81, 180, 0.02, 4), (0.05, 4, 40, 0.3, 3.5)],
)
def test_departs_poisson_rule_lacks_zeta(
    their_model, zeta: float, shape: float, rate: float, ours_at_most: float, theirs_at_least: float
):
    """deepinv denoises Poisson noise by y + zeta y s; Robbins' rule begins y + zeta + zeta (y + zeta) s.

    As E[1 + y s] = 0 for a smooth density, theirs is too dark by zeta in the mean. Ours is Kim & Ye's
    (y + zeta / 2) exp(zeta s). Under a Gamma(shape, rate) prior the counts are negative binomial, and the
    score, Robbins' rule and the posterior mean are known. The limits are in dB against that mean.
    Fails when deepinv adds the zeta or takes the paper's rule.
    """
    noise, growth = Poisson(zeta), 1 + rate * zeta
    counts = torch.arange(2000, dtype=torch.float64)
    chances = torch.from_numpy(stats.nbinom.pmf(counts, shape, 1 - 1 / growth))
    # The posterior of x is Gamma(z + shape, rate + 1 / zeta).
    mean, variance = zeta / growth * (counts + shape), (zeta / growth) ** 2 * (counts + shape)
    following = torch.from_numpy(stats.nbinom.pmf(counts + 1, shape, 1 - 1 / growth))
    likely = chances > 1e-200
    robbins = zeta * (counts + 1) * following / chances
    torch.testing.assert_close(robbins[likely], mean[likely], rtol=1e-9, atol=0)

    def score(y: Tensor) -> Tensor:
        """Of the negative binomial, interpolated by the log-gamma function."""
        return (torch.digamma(y / zeta + shape) - torch.digamma(y / zeta + 1) - np.log(growth)) / zeta

    y = (zeta * counts).view(1, 1, 1, -1)
    theirs = their_model(score, noise, delta=(0.0, 0.0)).eval()(y.clone(), None).flatten()
    ours = noise.tweedie(y, score(y)).flatten()
    assert in_decibels((ours - mean).square(), chances, variance) < ours_at_most
    assert in_decibels((theirs - mean).square(), chances, variance) > theirs_at_least
    assert (chances * (mean - theirs)).sum().item() == pytest.approx(zeta, rel=0.1)
    assert 0 < (chances * (mean - ours)).sum().item() < 0.5 * zeta  # a geometric mean is below the mean


def test_departs_input_is_perturbed_at_test_time(their_model):
    """deepinv reads the score at y + sigma_a u when it denoises, too; ours reads it at y.

    Under a Gaussian prior the score is linear, so their images differ from ours by sigma^2 s' sigma_a u.
    Fails when deepinv denoises y itself.
    """
    noise, sigma_a, prior = Gaussian(25), 0.05, 0.04
    slope = -1 / (prior + noise.sd**2)
    score: Score = lambda y: slope * (y - 0.45)  # noqa: E731
    y = torch.linspace(0, 1, 10_000, dtype=torch.float64).view(1, 1, 100, 100)
    model = their_model(score, noise, delta=(sigma_a, 0.1)).eval()
    torch.manual_seed(7)
    first, again = model(y, None), model(y, None)
    assert not torch.equal(first, again)
    ours = noise.tweedie(y, score(y))
    torch.testing.assert_close(ours, 0.45 + prior / (prior + noise.sd**2) * (y - 0.45), rtol=1e-9, atol=0)
    expected = noise.sd**2 * abs(slope) * sigma_a
    assert (first - ours).std().item() == pytest.approx(expected, rel=0.03)
    # In the method, too, two calls agree.
    method = Noise2Score(domain="raw", end=sigma_a)
    network: Network = lambda v: v + float(noise.variance(np.array(0.5))) * score(v)  # noqa: E731
    assert torch.equal(method.denoise(network, y, noise), method.denoise(network, y, noise))


@pytest.mark.parametrize("alpha", [0.15, 0.5])
def test_loss_is_that_of_recorrupted_to_recorrupted(
    deepinv, peer_of, net: Network, noisy: Tensor, alpha: float
):
    """deepinv's R2R with sigma_a = sigma sqrt(alpha / (1 - alpha)) and f(y') = y' + (sigma^2 + sigma_a^2) s.

    Its loss is (1 + sigma_a^2 / sigma^2)^2 times ours, of the same u.
    """
    noise = Gaussian(25)
    sigma_a = noise.sd * np.sqrt(alpha / (1 - alpha))
    total = noise.sd**2 + sigma_a**2
    score, physics = score_of(net, noise), deepinv.physics.Denoising(peer_of(noise))
    r2r = deepinv.loss.R2RLoss(alpha=alpha)
    model = r2r.adapt_model(lambda y, physics: y + total * score(y)).train()
    torch.manual_seed(8)
    estimate = model(noisy, physics, update_parameters=True)
    theirs = r2r(estimate, noisy, physics, model)
    torch.manual_seed(8)
    ours = our_loss(net, noisy, noise, sigma_a).mean()
    torch.testing.assert_close(theirs, (1 + sigma_a**2 / noise.sd**2) ** 2 * ours, rtol=1e-6, atol=0)
