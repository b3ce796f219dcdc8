"""UNSURE finds the saddle at which a denoiser's mean divergence is zero, without a noise level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from bench.method import Batch
from bench.noise import Gaussian
from bench.training.engine import make_step
from bench.training.patches import Sampling
from methods.sure import Sure
from methods.unsure import Unsure
from tests.support.methods.calculus import progress_of, rng_of
from tests.support.methods.networks import curved
from tests.support.methods.noises import LEVELS, batch_of

if TYPE_CHECKING:
    from bench.training.step import Step

MEAN, NOISE = 0.5, Gaussian(25)
IDENTITY = torch.eye(2, dtype=torch.float64)
CLEAN = torch.tensor([[0.02, 0.016], [0.016, 0.02]], dtype=torch.float64)
"""The covariance of the two pixels of a clean image."""


def noisy_covariance() -> Tensor:
    return CLEAN + NOISE.sd**2 * IDENTITY


def saddle() -> tuple[float, Tensor]:
    """Return eta and the matrix A of f(y) = y + eta s(y) = m + A (y - m), with s = -S^-1 (y - m).

    As E[s^2] is tr S^-1 / 2 per pixel, eta = 2 / tr S^-1, and tr A = 2 - eta tr S^-1 = 0.
    """
    precision = torch.linalg.inv(noisy_covariance())
    eta = 2 / precision.trace()
    return eta.item(), IDENTITY - eta * precision


class Linear(nn.Module):
    """Maps two pixels y to m + A (y - m), where A = I + 50 W.

    W moves by the learning rate, and A fifty times as fast, as a function of many weights moves faster than
    each of them.
    """

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter((matrix - IDENTITY) / 50)

    @property
    def matrix(self) -> Tensor:
        return IDENTITY + 50 * self.weight

    def forward(self, image: Tensor) -> Tensor:
        return MEAN + (image - MEAN) @ self.matrix.T


def noisy_pairs(count: int, seed: int) -> Batch:
    """Draw images of two pixels, (B, 1, 1, 2)."""
    root = torch.linalg.cholesky(noisy_covariance())
    white = torch.randn(count, 1, 1, 2, generator=rng_of(seed), dtype=torch.float64)
    return Batch({"noisy": MEAN + white @ root.T}, None)


def with_eta(batch: Batch, eta: float | Tensor) -> Batch:
    return Batch(batch.images, batch.model, {"eta": torch.as_tensor(eta)})


def slopes(eta: float, matrix: Tensor) -> tuple[float, Tensor]:
    """Compute the slopes of the mean loss along eta and along A."""
    net, multiplier = Linear(matrix), torch.tensor(eta, dtype=torch.float64, requires_grad=True)
    loss = (
        Unsure()
        .loss(net, with_eta(noisy_pairs(400_000, seed=0), multiplier), rng_of(), progress_of(0))
        .mean()
    )
    along_eta, along_weight = torch.autograd.grad(loss, (multiplier, net.weight))
    return along_eta.item(), along_weight / 50


def test_saddle_of_two_pixels():
    """At the saddle the loss has no slope along eta or A; elsewhere they are tr A and (A - I) S + eta I."""
    eta, matrix = saddle()
    for factor, shift in ((1.0, 0.0), (1.0, 0.1), (1.2, 0.0)):
        shifted = matrix + shift * IDENTITY
        expected = (shifted - IDENTITY) @ noisy_covariance() + factor * eta * IDENTITY
        along_eta, along_matrix = slopes(factor * eta, shifted)
        assert along_eta == pytest.approx(2 * shift, abs=0.01)
        torch.testing.assert_close(along_matrix, expected, rtol=0, atol=0.02 * eta)
        assert (expected.abs().max() < 1e-12) == (factor == 1 and shift == 0)


@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_training_reaches_the_saddle(monkeypatch: pytest.MonkeyPatch, factor: float):
    """From the identity, and from a multiplier far too small or far too large."""
    eta, matrix = saddle()
    assert eta > 1.1 * NOISE.sd**2  # not the variance of the noise
    monkeypatch.setattr(Unsure, "multipliers", {"eta": factor * eta})
    net, step_once = ready(IDENTITY, steps=900)
    for step in range(900):
        step_once(step, noisy_pairs(512, seed=step))
    assert step_once.log_multipliers["eta"].exp().item() == pytest.approx(eta, rel=0.03)
    torch.testing.assert_close(net.matrix.detach(), matrix, rtol=0, atol=0.05)


def ready(matrix: Tensor, *, steps: int) -> tuple[Linear, Step]:
    """Return a network of that matrix and its training step."""
    net, sampling = Linear(matrix), Sampling(steps, batch=512, patch=2, seed=0)
    cpu = torch.device("cpu")
    return net, make_step(net, Unsure(), sampling=sampling, precision="float32", device=cpu, engine="eager")


@pytest.mark.parametrize(("divergence", "rises"), [(1.0, True), (-1.0, False)])
def test_multiplier_moves_with_the_sign_of_the_divergence(divergence: float, rises: bool):
    _, step_once = ready(divergence * IDENTITY, steps=20)
    before = step_once.log_multipliers["eta"].item()
    step_once(0, noisy_pairs(512, seed=0))
    assert (step_once.log_multipliers["eta"].item() > before) == rises


def test_with_the_variance_as_multiplier_it_is_sure():
    """Except for the variance itself, which does not depend on the network."""
    noise = LEVELS["gaussian"]
    y = batch_of(Sure, noise).noisy.double()
    sure = Sure().loss(curved, Batch({"noisy": y}, noise), rng_of(), progress_of(0))
    unsure = Unsure().loss(curved, with_eta(Batch({"noisy": y}, None), noise.sd**2), rng_of(), progress_of(0))
    torch.testing.assert_close(unsure - sure, torch.full_like(sure, noise.sd**2), rtol=1e-5, atol=0)
