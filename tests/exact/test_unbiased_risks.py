"""Risks estimated without clean images: unbiased where they claim to be, and biased where they do not."""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from torch import Tensor

from bench.method import Batch
from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.seeds import generator
from methods.sure import Sure
from tests.support.methods.calculus import progress_of, rng_of
from tests.support.methods.networks import TAPS, Spy, curved, filter_of
from tests.support.methods.noises import LEVELS, batch_of, every_noise


def estimated_risk(
    net,
    noisy: Tensor,
    noise: Noise,
    *,
    risk: Literal["exact", "first_order"] = "first_order",
    eps: float = 0.01,
) -> np.ndarray:
    """Compute the estimates by a finite difference, as published unless said otherwise."""
    return (
        Sure(risk=risk, eps=eps).loss(net, Batch({"noisy": noisy}, noise), rng_of(), progress_of(0)).numpy()
    )


# The mean over many noisy images


def estimated_and_true(net, noise: Noise, *, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute the estimated and the true risk of ``draws`` noisy copies of one clean image."""
    clean = 0.3 + 0.5 * generator("clean").random((1, 1, 12, 12))
    noisy = torch.from_numpy(noise.sample(clean.repeat(draws, axis=0), generator("draws"))).double()
    true = (net(noisy) - torch.from_numpy(clean)).square().mean(dim=(1, 2, 3))
    return estimated_risk(net, noisy, noise), true.numpy()


@pytest.mark.parametrize(
    ("net", "noise", "bias"),
    [
        # Unbiased for a linear network, whatever the noise.
        *((filter_of(TAPS), noise, 0.0) for noise in LEVELS.values()),
        # A finite step misses the divergence by eps^2 f''' / 6, which is 6e-4 of that of sin 6 y.
        (curved, Gaussian(25), 0.001),
        # The Gamma risk and PURE stop at the first order in 1 / k and in zeta.
        (curved, Gamma(50), 0.01),
        (curved, Poisson(0.01), 0.02),
    ],
    ids=["linear, gaussian", "linear, poisson", "linear, gamma", "gaussian", "gamma", "poisson"],
)
def test_risk_is_estimated_without_bias(net, noise: Noise, bias: float):
    estimated, true = estimated_and_true(net, noise, draws=8000)
    difference = estimated - true
    limit = 4 * difference.std() / np.sqrt(len(difference))
    assert limit < 0.01 * true.mean()  # enough draws for a meaningful test
    assert difference.mean() == pytest.approx(0, abs=limit + bias * true.mean())


# The expectation over all y, for one pixel


def wavy(y):
    """Denoise one pixel, non-linearly."""
    return 0.3 + 0.4 * torch.tanh(3 * (y - 0.5)) + 0.05 * torch.sin(12 * y)


def all_values(noise: Noise, x: float) -> tuple[Tensor, np.ndarray]:
    """Return values of y and their weights, whose weighted sum is the expectation over y."""
    match noise:
        case Gaussian(sd=sd):
            node, weight = np.polynomial.hermite_e.hermegauss(100)
            y, chance = x + sd * node, weight / math.sqrt(2 * math.pi)
        case Poisson(zeta=zeta):
            counts = np.arange(math.ceil(x / zeta + 20 * math.sqrt(x / zeta) + 20))
            y, chance = zeta * counts, stats.poisson.pmf(counts, x / zeta)
        case Gamma(k=k):
            distribution = stats.gamma(k, scale=x / k)
            node, weight = np.polynomial.legendre.leggauss(400)
            low, high = distribution.ppf(1e-16), distribution.isf(1e-16)
            y = low + (high - low) * (node + 1) / 2
            chance = weight * (high - low) / 2 * distribution.pdf(y)
    assert chance.sum() == pytest.approx(1, abs=1e-12)
    return torch.from_numpy(y), chance


def relative_bias(noise: Noise, x: float, *, net=wavy, risk=None) -> float:
    """Compute the bias of a risk relative to the true risk; the default risk is that of the method."""
    y, chance = all_values(noise, x)
    # As images of one pixel, so that a loss per image is one per y.
    estimated = estimated_risk(net, y.view(-1, 1, 1, 1), noise, eps=1e-7) if risk is None else risk(y)
    true = chance @ (net(y) - x).square().numpy()
    return (chance @ np.asarray(estimated) - true) / true


every_intensity = pytest.mark.parametrize("x", [0.1, 0.3, 0.6, 0.9])


@every_intensity
@pytest.mark.parametrize("sigma", [5, 25, 50])
def test_sure_is_exact(sigma: float, x: float):
    assert relative_bias(Gaussian(sigma), x) == pytest.approx(0, abs=1e-5)

    def stein(y: Tensor) -> np.ndarray:
        return estimated_risk(wavy, y.view(-1, 1, 1, 1), Gaussian(sigma), risk="exact", eps=1e-7)

    assert relative_bias(Gaussian(sigma), x, risk=stein) == pytest.approx(0, abs=1e-5)


@every_intensity
@every_noise
def test_every_risk_is_exact_for_an_affine_denoiser(noise: Noise, x: float):
    assert relative_bias(noise, x, net=lambda y: 0.2 + 0.7 * y) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("zeta", "x", "expected", "tolerance"), [(0.05, 0.1, -0.07, 1e-3), (0.01, 0.9, 0.002, 2e-4)]
)
def test_first_order_pure_is_biased(zeta: float, x: float, expected: float, tolerance: float):
    assert relative_bias(Poisson(zeta), x) == pytest.approx(expected, abs=tolerance)


@every_intensity
def test_biases_shrink_with_the_noise(x: float):
    assert abs(relative_bias(Poisson(0.01), x)) < abs(relative_bias(Poisson(0.05), x)) / 2
    assert abs(relative_bias(Gamma(100), x)) < abs(relative_bias(Gamma(50), x)) < 0.03


@every_intensity
@pytest.mark.parametrize("zeta", [0.01, 0.05])
def test_pure_stops_short_of_an_exact_identity(zeta: float, x: float):
    """x E[f(y)] = E[y f(y - zeta)]: a shift in the place of the derivative removes the bias."""

    def shifted(y: Tensor) -> Tensor:
        return (wavy(y) - y).square() - zeta * y + 2 * y * (wavy(y) - wavy(y - zeta))

    assert relative_bias(Poisson(zeta), x, risk=shifted) == pytest.approx(0, abs=1e-8)
    assert abs(relative_bias(Poisson(zeta), x)) > 1e-4


@every_intensity
@pytest.mark.parametrize("k", [50, 100])
def test_gamma_risk_stops_short_of_an_exact_identity(k: float, x: float):
    """x E[f(y)] = E[y f(U y)] with U ~ Beta(k, 1), and E[y^2] = (k + 1) / k x^2."""
    node, weight = np.polynomial.laguerre.laggauss(40)  # -k log U is exponential
    shrink, chance = torch.from_numpy(np.exp(-node / k)), torch.from_numpy(weight)

    def shrunk(y: Tensor) -> Tensor:
        f = (wavy(shrink * y[:, None]) * chance).sum(dim=1)
        return wavy(y).square() - 2 * y * f + k / (k + 1) * y.square()

    assert relative_bias(Gamma(k), x, risk=shrunk) == pytest.approx(0, abs=1e-8)
    assert abs(relative_bias(Gamma(k), x)) > 1e-4


# The divergence


def weight_and_unit(noise: Noise, y: np.ndarray) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Return the factor of the divergence and the unit of the step, as in the equations of `Sure`."""
    match noise:
        case Gaussian(sigma=sigma):
            return (sigma / 255) ** 2, 1.0
        case Poisson(zeta=zeta):
            return zeta * y, 1.0
        case Gamma(k=k):
            return y / (k + 1), y


@every_noise
def test_probe_of_a_filter_is_exact(noise: Noise):
    """For a linear network the finite difference is b . (J b), at any step."""
    spy = Spy(filter_of(TAPS))
    noisy = batch_of(Sure, noise).noisy.double()
    losses = estimated_risk(spy, noisy, noise)
    y, moved = (half.numpy()[:, 0] for half in torch.cat(spy.seen).chunk(2))
    np.testing.assert_array_equal(y, noisy[:, 0])
    weight, unit = weight_and_unit(noise, y)
    probe = (moved - y) / (0.01 * unit)
    np.testing.assert_allclose(abs(probe), 1, rtol=1e-10)
    assert abs(probe.mean()) < 5 / np.sqrt(probe.size)
    filtered = partial(ndimage.correlate, weights=TAPS[None], mode="constant")
    risk = (filtered(y) - y) ** 2 - weight * unit + 2 * weight * probe * filtered(probe * unit)
    np.testing.assert_allclose(losses, risk.mean(axis=(1, 2)), rtol=1e-9)


@every_noise
def test_probes_of_a_filter_average_to_its_centre(noise: Noise):
    """The divergence of a filter is its centre tap in every pixel; each probe also meets the other taps."""
    noisy = batch_of(Sure, noise, count=1).noisy.double()
    estimated = estimated_risk(filter_of(TAPS), noisy.expand(500, -1, -1, -1), noise)
    y = noisy.numpy()
    weight, unit = weight_and_unit(noise, y)
    squares = (filter_of(TAPS)(noisy).numpy() - y) ** 2
    exact = (squares - weight * unit + 2 * weight * unit * TAPS[1, 1]).mean()
    limit = 5 * estimated.std() / math.sqrt(len(estimated))
    assert limit < 0.03 * exact
    assert estimated.mean() == pytest.approx(exact, abs=limit)


@every_noise
def test_the_step_does_not_change_the_risk_of_a_filter(noise: Noise):
    noisy = batch_of(Sure, noise).noisy.double()
    wide, narrow = (estimated_risk(filter_of(TAPS), noisy, noise, eps=eps) for eps in (0.1, 0.001))
    np.testing.assert_allclose(wide, narrow, rtol=1e-9)


# Thinning


def thin(noise: Noise, noisy: Tensor, net=curved, *, thinned: float = 0.1) -> tuple[np.ndarray, Tensor]:
    """Return the exact estimates of a network, and the thinned images T(c) that it is given."""
    spy = Spy(net)
    batch = Batch({"noisy": noisy}, noise)
    losses = Sure(thinned=thinned).loss(spy, batch, rng_of(), progress_of(0)).numpy()
    (seen,) = spy.seen
    assert torch.equal(seen[: len(noisy)], noisy)
    return losses, seen[len(noisy) :]


def thinned_from(seen: Tensor, noise: Noise, *, thinned: float) -> Tensor:
    """Return the thinned images c, given T(c)."""
    match noise:
        case Poisson(zeta=zeta):
            return seen - thinned * (seen / (1 + thinned)).clamp(max=zeta)
        case Gamma(k=k):
            return seen * (1 - thinned / (k + 1))


every_thinning = pytest.mark.parametrize("noise", [Poisson(0.05), Poisson(0.01), Gamma(50)], ids=str)


@every_thinning
def test_thinned_pixels_lose_one_count_or_a_beta_distributed_share(noise: Noise):
    noisy = torch.from_numpy(noise.sample(np.full((4, 3, 64, 64), 0.5), generator("thinned"))).double()
    _, seen = thin(noise, noisy, torch.tanh, thinned=0.3)
    moved = thinned_from(seen, noise, thinned=0.3)
    chosen = ~torch.isclose(moved, noisy, rtol=1e-12)
    assert chosen.double().mean().item() == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / chosen.numel()))
    if isinstance(noise, Poisson):
        torch.testing.assert_close(
            (noisy - moved)[chosen] / noise.zeta, torch.ones(int(chosen.sum())).double()
        )
    else:
        shares = (moved / noisy)[chosen].numpy()
        assert stats.kstest(shares, stats.beta(noise.parameter, 1).cdf).pvalue > 1e-3


@every_thinning
def test_exact_risk_is_that_of_each_pixel_among_thinned_ones(noise: Noise):
    """In the mean it is the squared error, given the clean image, of the pixels that are not thinned."""
    thinned = 0.2
    clean = 0.3 + 0.5 * generator("clean").random((1, 2, 12, 12))
    sampled = noise.sample(clean.repeat(6000, axis=0), generator("draws"))
    noisy = torch.from_numpy(sampled).double().flatten(0, 1)[:, None]
    x = torch.from_numpy(clean).repeat(6000, 1, 1, 1).flatten(0, 1)[:, None]
    estimated, seen = thin(noise, noisy, thinned=thinned)
    kept = torch.isclose(thinned_from(seen, noise, thinned=thinned), noisy, rtol=1e-12)
    weights = torch.where(kept, 1 / (1 - thinned), 0.0)
    true = (weights * (curved(seen) - x).square()).mean(dim=(1, 2, 3)).numpy()
    limit = 4 * (estimated - true).std() / math.sqrt(len(true))
    assert limit < 0.01 * true.mean()
    assert estimated.mean() == pytest.approx(true.mean(), abs=limit)


@pytest.mark.parametrize(
    "level", [lambda noise: noise.parameter, lambda noise: torch.full((4, 1, 1, 1), noise.parameter)]
)
@every_thinning
def test_black_and_nearly_black_pixels_stay_so(noise: Noise, level):
    """Also where the noise is estimated, so that a count is less than zeta."""
    noisy = torch.tensor([0.0, 1e-30, 1e-6, 0.009]).view(4, 1, 1, 1).expand(4, 3, 8, 8)
    losses, seen = thin(type(noise)(level(noise)), noisy, torch.tanh, thinned=0.5)
    assert np.isfinite(losses).all()
    assert ((seen >= 0) & (seen <= 1.5 * noisy)).all()


def test_the_difference_of_a_filter_is_exact():
    """For a linear network f1 - f2 = 2 eps J b; the mean of the squares is larger than that of f."""
    noise, eps = LEVELS["gaussian"], 0.05
    spy = Spy(filter_of(TAPS))
    noisy = batch_of(Sure, noise).noisy.double()
    losses = estimated_risk(spy, noisy, noise, risk="exact", eps=eps)
    above, below = torch.cat(spy.seen).chunk(2)
    torch.testing.assert_close((above + below) / 2, noisy, rtol=0, atol=1e-12)
    probe = (above - below) / (2 * eps)
    torch.testing.assert_close(probe.abs(), torch.ones_like(probe), rtol=1e-9, atol=0)
    assert abs(probe.mean()) < 5 / np.sqrt(probe.numel())
    filtered, along = filter_of(TAPS)(noisy), filter_of(TAPS)(probe)
    risk = (filtered - noisy).square() + (eps * along).square() + noise.sd**2 * (2 * probe * along - 1)
    np.testing.assert_allclose(losses, risk.mean(dim=(1, 2, 3)), rtol=1e-9)


def test_a_network_that_distinguishes_noisier_images_gains_nothing():
    """As published, it returns the image as it is and denoises the noisier one, and seems to have no risk."""
    noise, eps, grey = Gaussian(25), 0.03, 0.5
    noisy = grey + noise.sd * torch.randn((4, 1, 200, 200), generator=rng_of(1), dtype=torch.float64)
    usual = noisy.std(dim=(1, 2, 3), keepdim=True).max() * (1 + eps**2 / noise.sd**2 / 8)

    def cheat(image: Tensor) -> Tensor:
        noisier = image.std(dim=(1, 2, 3), keepdim=True) > usual
        return torch.where(noisier, torch.full_like(image, grey), image)

    published, exact = (
        estimated_risk(cheat, noisy, noise, risk=risk, eps=eps).mean() for risk in ("first_order", "exact")
    )
    assert published < -0.8 * noise.sd**2
    # On both images of the exact form it returns the clean image.
    assert exact == pytest.approx(0, abs=0.03 * noise.sd**2)
