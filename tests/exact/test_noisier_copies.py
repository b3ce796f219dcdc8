"""Noisier2Noise removes the noise that it added, and with it the noise of the image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.method import Batch
from bench.noise import Gaussian
from bench.seeds import generator
from methods.noisier2noise import Noisier2Noise
from tests.support.methods.calculus import progress_of, rng_of
from tests.support.methods.networks import Spy, curved

PRIOR_MEAN, PRIOR_VARIANCE = 0.45, 0.04
NOISE = Gaussian(25)
every_alpha = pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])


def noisy_images(count: int, side: int) -> Tensor:
    """Draw y of x ~ N(PRIOR_MEAN, PRIOR_VARIANCE), independent pixels."""
    clean = PRIOR_MEAN + PRIOR_VARIANCE**0.5 * generator("prior").standard_normal((count, 1, side, side))
    return torch.from_numpy(NOISE.sample(clean, generator("noise"))).double()


def slopes(alpha: float) -> tuple[float, float]:
    """Return the slopes of E[y given z] and E[x given z] in z."""
    noisy = PRIOR_VARIANCE + NOISE.sd**2
    noisier = noisy + alpha**2 * NOISE.sd**2
    return noisy / noisier, PRIOR_VARIANCE / noisier


@every_alpha
def test_loss_is_least_at_the_mean_of_y_given_z(alpha: float):
    """|| a (z - m) + b - y ||^2 has its minimum at a = Var y / Var z and b = m."""
    a, b = (torch.tensor(0.0, dtype=torch.float64, requires_grad=True) for _ in range(2))
    spy = Spy(lambda z: a * (z - PRIOR_MEAN) + b)
    batch = Batch({"noisy": noisy_images(40, 200)}, NOISE)
    loss = Noisier2Noise(alpha=alpha).loss(spy, batch, rng_of(), progress_of(0)).mean()
    slope, offset = torch.autograd.grad(loss, (a, b))  # a quadratic form: these and Var z give its minimum
    spread = (spy.seen[0] - PRIOR_MEAN).square().mean()
    assert (-slope / (2 * spread)).item() == pytest.approx(slopes(alpha)[0], rel=5e-3)
    assert (-offset / 2).item() == pytest.approx(PRIOR_MEAN, rel=5e-3)


@every_alpha
def test_rule_gives_the_mean_of_x_given_z(alpha: float):
    of_y, of_x = slopes(alpha)
    spy = Spy(lambda z: PRIOR_MEAN + of_y * (z - PRIOR_MEAN))
    denoised = Noisier2Noise(alpha=alpha).denoise(spy, noisy_images(2, 30), NOISE)
    (z,) = spy.seen
    torch.testing.assert_close(denoised, PRIOR_MEAN + of_x * (z - PRIOR_MEAN), rtol=1e-10, atol=0)


@every_alpha
def test_added_noise_is_as_strong_in_training_as_in_denoising(alpha: float):
    method, y = Noisier2Noise(alpha=alpha), noisy_images(1, 300)
    training, after = Spy(torch.zeros_like), Spy(torch.zeros_like)
    method.loss(training, Batch({"noisy": y}, NOISE), rng_of(5), progress_of(0))
    method.denoise(after, y, NOISE)
    added, again = ((spy.seen[0] - y).flatten().numpy() for spy in (training, after))
    limit = 5 / len(added) ** 0.5
    for values in (added, again):
        assert values.std() == pytest.approx(alpha * NOISE.sd, rel=limit)
        assert abs(np.corrcoef(values, y.flatten())[0, 1]) < limit
    assert abs(np.corrcoef(added, again)[0, 1]) < limit


def test_each_image_is_denoised_by_the_mean_over_its_own_copies():
    method, spy = Noisier2Noise(alpha=0.5, draws=3), Spy(curved)
    levels = [20.0, 25.0, 40.0]
    noisy, noise = noisy_images(3, 12), Gaussian(torch.tensor(levels).double().view(-1, 1, 1, 1))
    state = torch.get_rng_state()
    denoised = method.denoise(spy, noisy, noise)
    assert torch.equal(torch.get_rng_state(), state)  # the global generator is untouched
    assert len(spy.seen) == 3
    assert not torch.equal(spy.seen[0], spy.seen[1])
    rules = [(1.25 * curved(z) - z) / 0.25 for z in spy.seen]
    torch.testing.assert_close(denoised, torch.stack(rules).mean(dim=0), rtol=1e-10, atol=1e-12)
    alone = [
        method.denoise(curved, image[None], Gaussian(sigma))
        for image, sigma in zip(noisy, levels, strict=True)
    ]
    torch.testing.assert_close(denoised, torch.cat(alone), rtol=1e-10, atol=1e-12)
