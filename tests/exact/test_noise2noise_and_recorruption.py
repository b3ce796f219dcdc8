"""Noise2Noise replaces the clean image by a second noisy copy; Noise2Score's loss is a recorruption."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.conformance.case import declared_batch, draw_images, small_unet
from bench.method import Batch, Method, squared_error
from bench.noise import Gaussian, Noise
from bench.seeds import generator
from methods.noise2noise import Noise2Noise
from methods.noise2score import Noise2Score
from methods.supervised import Supervised
from tests.support.methods.calculus import progress_of, rng_of
from tests.support.methods.networks import Spy, curved, network_with
from tests.support.methods.noises import batch_of, every_domain, every_noise

DRAWS = 8000


@pytest.mark.parametrize(("method", "target"), [(Supervised(), "clean"), (Noise2Noise(), "noisy2")])
def test_squared_error_of_each_image(method: Method, target: str):
    batch, net = batch_of(method, Gaussian(25), channels=3), small_unet(3)
    losses = method.loss(net, batch, rng_of(), progress_of(0))
    difference = (net(batch.noisy) - batch.images[target]).detach().double().numpy()
    np.testing.assert_allclose(losses.detach(), (difference**2).mean(axis=(1, 2, 3)), rtol=1e-5)


def many_copies(noise: Noise) -> dict[str, Tensor]:
    clean = 0.2 + 0.6 * generator("clean").random((1, 1, 10, 10), dtype=np.float32)
    images = draw_images(clean.repeat(DRAWS, axis=0), noise)
    return {name: image.double() for name, image in images.items()}


def losses_of(method: Method, net, images: dict[str, Tensor], noise: Noise) -> Tensor:
    return method.loss(net, declared_batch(method, images, noise), rng_of(), progress_of(0))


def assert_mean_is(values: np.ndarray, expected: float, *, relative_to: float) -> None:
    limit = 5 * values.std() / np.sqrt(len(values))
    assert limit < 0.05 * relative_to  # enough draws for a meaningful test
    assert values.mean() == pytest.approx(expected, abs=limit)


@every_noise
def test_second_copy_adds_its_own_variance(noise: Noise):
    """E||f(y) - y2||^2 = E||f(y) - x||^2 + Var y2, paired by y, so that its spread cancels."""
    images = many_copies(noise)
    excess = losses_of(Noise2Noise(), curved, images, noise) - losses_of(Supervised(), curved, images, noise)
    variance = noise.variance(images["clean"][0].numpy()).mean()
    assert_mean_is(excess.numpy(), variance, relative_to=variance)


def slopes(method: Method, images: dict[str, Tensor], noise: Noise) -> np.ndarray:
    """Compute the slope of each image's loss along a factor on the network's output."""
    factor = torch.ones((DRAWS, 1, 1, 1), dtype=torch.float64, requires_grad=True)
    losses_of(method, lambda y: factor * curved(y), images, noise).sum().backward()
    return factor.grad.flatten().numpy()


@every_noise
def test_second_copy_keeps_the_gradient_and_the_minimum(noise: Noise):
    images = many_copies(noise)
    supervised = slopes(Supervised(), images, noise)
    assert_mean_is(slopes(Noise2Noise(), images, noise) - supervised, 0, relative_to=abs(supervised.mean()))


@every_noise
def test_the_same_copy_twice_teaches_the_identity(noise: Noise):
    """Without independence the loss falls to zero at f(y) = y, far from the clean image."""
    images = many_copies(noise)
    twin = {**images, "noisy2": images["noisy"]}
    assert not losses_of(Noise2Noise(), lambda y: y, twin, noise).any()
    variance = noise.variance(images["clean"][0].numpy()).mean()
    assert_mean_is(
        losses_of(Noise2Noise(), lambda y: y, images, noise).numpy(), 2 * variance, relative_to=variance
    )


@every_domain
@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_score_matching_is_recorruption(domain: str, progress: float):
    """Under Gaussian noise Noise2Score's loss is, up to a factor, AR-DAE's || u + sigma_a s(y') ||^2.

    So is Recorrupted-to-Recorrupted's, || f(y') - (y - sigma^2 u / sigma_a) ||^2 with
    f = y' + (sigma^2 + sigma_a^2) s.
    """
    noise, method = Gaussian(25), Noise2Score(domain=domain, antithetic=False)
    sigma_a = method.sigma_a(noise, progress_of(progress)).item()
    spy = Spy(network_with(torch.sin, noise, method))
    y = batch_of(method, noise).noisy.double()
    losses = method.loss(spy, Batch({"noisy": y}, noise), rng_of(), progress_of(progress))
    (perturbed,) = spy.seen
    u = (perturbed - y) / sigma_a
    assert u.std().item() == pytest.approx(1, abs=0.05)
    ar_dae = squared_error(u, -sigma_a * torch.sin(perturbed))
    torch.testing.assert_close(losses, ar_dae * noise.sd**4 / sigma_a**2, rtol=1e-6, atol=0)
    total = noise.sd**2 + sigma_a**2
    target = y - noise.sd**2 / sigma_a * u
    recorrupted = squared_error(perturbed + total * torch.sin(perturbed), target)
    torch.testing.assert_close(losses, recorrupted * noise.sd**4 / total**2, rtol=1e-6, atol=0)


def test_recorrupted_copies_have_independent_noise():
    """Var y' = sigma^2 + sigma_a^2, and y' - x is uncorrelated with the noise of the target."""
    noise, method, images = Gaussian(25), Noise2Score(antithetic=False), many_copies(Gaussian(25))
    sigma_a, y = method.sigma_a(noise, progress_of(0)).item(), images["noisy"]
    spy = Spy(network_with(torch.sin, noise, method))
    losses_of(method, spy, images, noise)
    (perturbed,) = spy.seen
    target = y - noise.sd**2 / sigma_a * (perturbed - y) / sigma_a
    first, second = ((copy - images["clean"]).flatten().numpy() for copy in (perturbed, target))
    limit = 5 / np.sqrt(first.size)
    assert abs(np.corrcoef(first, second)[0, 1]) < limit
    assert first.var() == pytest.approx(noise.sd**2 + sigma_a**2, rel=limit * np.sqrt(2))
