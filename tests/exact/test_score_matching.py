"""Noise2Score learns the score of the perturbed images: its loss, its perturbation, its weights."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.conformance.case import small_unet
from bench.method import Batch, squared_error
from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.seeds import generator
from methods.noise2score import COUNTS_ADDED, Noise2Score
from tests.support.methods.calculus import progress_of, rng_of
from tests.support.methods.networks import Spy, network_with
from tests.support.methods.noises import LEVELS, batch_of, end_for, every_domain, every_noise


@every_domain
@every_noise
def test_residual_is_read_back_as_the_score(noise: Noise, domain: str):
    method = Noise2Score(domain=domain)
    coordinates = method.coordinates(noise)
    v = coordinates.to_v(torch.linspace(0.1, 1, 10, dtype=torch.float64).view(1, 1, 2, 5))
    network = network_with(torch.sin, noise, method)
    torch.testing.assert_close(coordinates.score(network, v), torch.sin(v), rtol=1e-9, atol=0)


@every_noise
def test_residual_is_scaled_by_the_noise_variance(noise: Noise):
    """A residual means the same denoising at every level of noise."""
    coordinates = Noise2Score().coordinates(noise)
    assert coordinates.variance == pytest.approx(noise.stabilised_sd**2)
    raw = Noise2Score(domain="raw").coordinates(noise)
    assert raw.variance == pytest.approx(float(noise.variance(np.array(0.5))))


def normal_score(v: Tensor, *, mean: float, variance: float) -> Tensor:
    return (mean - v) / variance


def losses_at(score, noise: Noise, method: Noise2Score, *, count: int = 40, size: int = 100) -> Tensor:
    """Compute the losses where v is N(V_MEAN, V_SD^2), so that its score is known."""
    coordinates = method.coordinates(noise)
    v = V_MEAN + V_SD * torch.randn((count, 1, size, size), generator=rng_of(1), dtype=torch.float64)
    batch = Batch({"noisy": coordinates.from_v(v)}, noise)
    return method.loss(network_with(score, noise, method), batch, rng_of(), progress_of(1))


V_MEAN, V_SD = 0.6, 0.05


def blurred_score(noise: Noise, method: Noise2Score, *, sigma_a: float | None = None):
    perturbation = method.sigma_a(noise, progress_of(1)).item() if sigma_a is None else sigma_a
    return partial(normal_score, mean=V_MEAN, variance=V_SD**2 + perturbation**2)


@pytest.mark.parametrize("antithetic", [False, True])
@every_domain
@every_noise
def test_loss_is_least_at_the_score_of_the_perturbed_images(noise: Noise, domain: str, antithetic: bool):
    method = Noise2Score(domain=domain, end=end_for(noise, domain, 0.04), antithetic=antithetic)
    exact = blurred_score(noise, method)
    least = losses_at(exact, noise, method).mean()
    # With 400,000 pixels the minimum over a scale is within .01 of 1, over a shift within .01 sd.
    others = {
        "scaled down": lambda v: 0.95 * exact(v),
        "scaled up": lambda v: 1.05 * exact(v),
        "shifted down": lambda v: exact(v) - 0.05 / V_SD,
        "shifted up": lambda v: exact(v) + 0.05 / V_SD,
        "not perturbed": blurred_score(noise, method, sigma_a=0.0),
    }
    for name, score in others.items():
        assert losses_at(score, noise, method).mean() > least, name


@every_domain
@every_noise
def test_loss_is_the_squared_error_of_the_network_output(noise: Noise, domain: str):
    """The squared error is that of the network's output: of intensities, even where the score is of log y."""
    method, spy = Noise2Score(domain=domain, antithetic=False), Spy(small_unet(1).double())
    sigma_a = method.sigma_a(noise, progress_of(0.5)).item()
    coordinates = method.coordinates(noise)
    y = batch_of(method, noise).noisy.double()
    losses = method.loss(spy, Batch({"noisy": y}, noise), rng_of(), progress_of(0.5))
    (seen,) = spy.seen
    logarithm = isinstance(noise, Gamma) and domain == "stabilised"
    v, slope = (torch.log(seen), seen) if logarithm else (seen, 1.0)
    u = (v - coordinates.to_v(y)) / sigma_a
    target = seen - slope * coordinates.variance * u / sigma_a
    torch.testing.assert_close(losses, squared_error(spy.net(seen), target), rtol=1e-5, atol=0)


def gradients_at_the_score(noise: Noise, method: Noise2Score) -> np.ndarray:
    """Compute each image's derivative of its loss by a factor on the exact score, at 1.1."""
    exact, factor = blurred_score(noise, method), torch.full((400, 1, 1, 1), 1.1, dtype=torch.float64)
    factor.requires_grad_()

    def score(v: Tensor) -> Tensor:
        return factor.repeat(len(v) // len(factor), 1, 1, 1) * exact(v)

    losses_at(score, noise, method, count=400, size=16).sum().backward()
    return factor.grad.flatten().numpy()


@every_domain
@every_noise
def test_antithetic_pairs_keep_the_mean_and_spread_less(noise: Noise, domain: str):
    end = end_for(noise, domain, 0.005)
    plain, paired = (
        gradients_at_the_score(noise, Noise2Score(domain=domain, end=end, antithetic=antithetic))
        for antithetic in (False, True)
    )
    assert paired.std() < plain.std() / 3
    limit = 5 * np.hypot(plain.std(), paired.std()) / np.sqrt(len(plain))
    assert paired.mean() == pytest.approx(plain.mean(), abs=limit)
    assert paired.mean() > 5 * paired.std() / np.sqrt(len(paired))  # uphill beyond the exact score


def test_antithetic_pairs_have_both_signs():
    method, noise = Noise2Score(), Gaussian(25)
    spy = Spy(small_unet(1))
    batch = batch_of(method, noise)
    losses = method.loss(spy, batch, rng_of(), progress_of(0))
    assert losses.shape == (3,)
    (seen,) = spy.seen
    above, below = (half - batch.noisy for half in seen.chunk(2))
    torch.testing.assert_close(above, -below, rtol=0, atol=1e-6)


@every_noise
@pytest.mark.parametrize("given", [(0.8, 0.2), None])
def test_schedule_runs_once_from_start_to_end(noise: Noise, given: tuple[float, float] | None):
    first, last = given or {"gaussian": (0.7, 0.2), "poisson": (0.7, 0.4), "gamma": (0.7, 0.2)}[noise.name]
    method = Noise2Score(start=first, end=last) if given else Noise2Score()
    moving = [method.sigma_a(noise, progress_of(progress)).item() for progress in (0, 0.25, 1)]
    expected = [first, 0.75 * first + 0.25 * last, last]
    np.testing.assert_allclose(moving, np.array(expected) * noise.stabilised_sd, rtol=1e-6)


def test_published_schedule_is_in_counts_for_poisson_noise():
    """Kim & Ye's code: sigma_a from .05 to .001, for Poisson noise from 1 to .5 counts."""
    method = Noise2Score(domain="raw", formula="paper")
    ends = {
        name: [method.sigma_a(noise, progress_of(end)).item() for end in (0, 1)]
        for name, noise in LEVELS.items()
    }
    assert ends["gaussian"] == ends["gamma"] == pytest.approx([0.05, 0.001], rel=1e-5)
    assert ends["poisson"] == pytest.approx([0.05, 0.025], rel=1e-5)


# Every strength alike


@pytest.mark.parametrize("factor", [0.2, 3.0])
@pytest.mark.parametrize("noise", [Gaussian(25), Poisson(0.02)], ids=str)
def test_network_sees_every_strength_alike(noise: Noise, factor: float):
    """Where each image has noise of its own, the network sees both scaled to one strength."""
    model, own = type(noise), torch.tensor([1.0, factor]).double().view(2, 1, 1, 1)
    method, spy = Noise2Score(), Spy(small_unet(1).double())
    once = batch_of(method, noise, count=1).noisy.double()
    denoised = method.denoise(spy, own * once, model(own * noise.parameter))
    torch.testing.assert_close(denoised[1], factor * denoised[0], rtol=1e-6, atol=1e-9)
    (seen,) = spy.seen
    torch.testing.assert_close(seen[0], seen[1], rtol=1e-9, atol=0)
    bright = noise.sample(np.full((1, 1, 200, 200), 2.0), generator("test", "bright"))
    method.denoise(spy, own * torch.from_numpy(bright), model(own * noise.parameter))
    usual = model(noise.example).stabilised_sd
    assert spy.seen[-1].std(dim=(1, 2, 3)).tolist() == pytest.approx([usual, usual], rel=0.03)


@every_noise
def test_network_sees_one_strength_as_it_is(noise: Noise):
    spy, method = Spy(small_unet(1)), Noise2Score()
    noisy = batch_of(method, noise).noisy
    method.denoise(spy, noisy, noise)
    match noise:
        case Gaussian():
            expected = noisy
        case Poisson(zeta=zeta):
            expected = torch.sqrt(noisy + COUNTS_ADDED * zeta)
        case Gamma():
            expected = noisy.clamp(min=noise.darkest)
    torch.testing.assert_close(spy.seen[0], expected)
