"""SURE and PURE against deepinv's: equal for equal probes, equal in the mean for their own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional

from bench.method import Batch, Network
from bench.noise import Gaussian, Noise, Poisson
from methods.sure import Sure

TAPS = torch.tensor([[0.02, 0.1, 0.05], [0.15, 0.4, 0.03], [0.01, 0.1, 0.08]], dtype=torch.float64)


def linear(image: Tensor) -> Tensor:
    """Correlate with a 3x3 filter, zero beyond the border."""
    return functional.conv2d(image, TAPS[None, None], padding=1)


def curved(image: Tensor) -> Tensor:
    """Apply a non-linear function to every pixel."""
    return 0.3 + 0.4 * torch.tanh(3 * (image - 0.5)) + 0.05 * torch.sin(12 * image)


def our_loss(net: Network, noisy: Tensor, noise: Noise, eps: float, seed: int = 0) -> Tensor:
    batch, rng = Batch({"noisy": noisy}, noise), torch.Generator().manual_seed(seed)
    return Sure(risk="first_order", eps=eps).loss(net, batch, rng, torch.zeros(()))


@pytest.fixture
def their_loss(deepinv):
    """Return deepinv's loss as a function like ``our_loss``."""
    physics = deepinv.physics.Denoising()

    def loss(net: Network, noisy: Tensor, noise: Noise, eps: float, seed: int = 0) -> Tensor:
        rng = torch.Generator().manual_seed(seed)
        if isinstance(noise, Gaussian):
            risk = deepinv.loss.SureGaussianLoss(noise.sd, tau=eps, rng=rng)
        else:
            risk = deepinv.loss.SurePoissonLoss(noise.parameter, tau=eps, rng=rng)
        model = lambda image, physics: net(image)  # noqa: E731
        return risk(y=noisy, x_net=net(noisy), physics=physics, model=model)

    return loss


@pytest.fixture
def one_probe(monkeypatch: pytest.MonkeyPatch):
    """Replace deepinv's normal and uniform draws by the random signs of ours."""

    def flip(self: Tensor, *, generator: torch.Generator) -> Tensor:
        return self.bernoulli_(0.5, generator=generator)

    def sign(self: Tensor, *, generator: torch.Generator) -> Tensor:
        return 2 * flip(self, generator=generator) - 1

    monkeypatch.setattr(torch.Tensor, "uniform_", flip)  # whose "> .5" is made a sign
    monkeypatch.setattr(torch.Tensor, "normal_", sign)


@pytest.mark.parametrize("eps", [0.1, 0.01, 1e-4])
@pytest.mark.parametrize(
    "noise", [Gaussian(25), Gaussian(50), Poisson(0.01), Poisson(0.05)], ids=lambda noise: noise.spec
)
def test_risk_is_theirs(their_loss, net: Network, noisy: Tensor, noise: Noise, eps: float, one_probe: None):
    """For the same probe and step, image by image, per pixel and with no factor between.

    Equal to 1e-6, since deepinv's PURE rounds its step to float32.
    """
    ours, theirs = (loss(net, noisy, noise, eps, seed=3) for loss in (our_loss, their_loss))
    assert ours.shape == theirs.shape == (3,)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=0)
    assert not torch.allclose(ours, our_loss(net, noisy, noise, eps, seed=4), rtol=1e-4)  # the probe counts


def test_departs_gaussian_probe_scatters_more(their_loss, noisy: Tensor):
    """deepinv's SURE probes by normal numbers; ours by signs, which scatter less about the same mean.

    For a filter the mean is known: its central tap is the divergence per pixel. Both means lie within
    4 standard errors of it, less than 1 % of the risk. Fails when deepinv probes by signs.
    """
    noise, draws = Gaussian(25), 4000
    y = noisy[:1]
    risk = (linear(y) - y).square().mean() - noise.sd**2 + 2 * noise.sd**2 * TAPS[1, 1]
    many = y.expand(draws, -1, -1, -1)
    spread = {}
    for name, loss in {"ours": our_loss, "theirs": their_loss}.items():
        losses = loss(linear, many, noise, 0.01)
        spread[name] = losses.std().item()
        limit = 4 * spread[name] / np.sqrt(draws)
        assert limit < 0.01 * risk
        assert losses.mean().item() == pytest.approx(risk.item(), abs=limit)
    assert spread["ours"] < 0.6 * spread["theirs"]


@pytest.mark.parametrize(
    ("zeta", "intensity", "bias"), [(0.05, 0.1, -0.07), (0.05, 0.5, 0.0), (0.01, 0.9, 0.0)]
)
def test_departs_first_order_pure_is_called_unbiased(
    deepinv, their_loss, zeta: float, intensity: float, bias: float
):
    """Both are of first order in zeta; ours says so, deepinv's calls it unbiased.

    The mean over all counts is a sum. Fails when deepinv's estimates the risk of dark pixels exactly.
    """
    counts = torch.arange(200, dtype=torch.float64)
    chances = torch.from_numpy(stats.poisson.pmf(counts, intensity / zeta))
    y = zeta * counts.view(-1, 1, 1, 1)
    true = (chances * (curved(y) - intensity).square().flatten()).sum().item()
    for loss in (our_loss, their_loss):
        estimated = (chances * loss(curved, y, Poisson(zeta), 1e-5)).sum().item()
        assert estimated / true - 1 == pytest.approx(bias, abs=0.01)
