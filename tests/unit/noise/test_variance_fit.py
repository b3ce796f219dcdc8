"""Poisson-Gaussian noise fitted to one noisy image, with clipping, offset, edges and correlation."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage, stats

from bench.errors import InputError
from bench.noise.poisson_gaussian import PoissonGaussian
from bench.noise.variance_fit import clipped_moments, fit_variance
from bench.seeds import generator
from tests.support.images import camera
from tests.support.methods.calculus import quadrature

NOISES = [PoissonGaussian(0.02, 0.001), PoissonGaussian(0.05, 0.0), PoissonGaussian(0.08, -0.004)]

every_noise = pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.spec)


def ramp(channels: int = 1) -> np.ndarray:
    """Make a ramp from .1 to .9 with an edge, (256, 256, C)."""
    down, across = np.meshgrid(np.linspace(0, 1, 256), np.linspace(0, 1, 256), indexing="ij")
    return np.repeat((0.1 + 0.6 * across + 0.2 * (down > 0.5))[..., None], channels, axis=2)


def sampled(noise: PoissonGaussian, clean: np.ndarray, role: int = 0) -> np.ndarray:
    return noise.sample(clean, generator("fit", noise.spec, role)).astype(float)


@every_noise
@pytest.mark.parametrize("channels", [1, 3])
def test_ramp_with_an_edge(noise: PoissonGaussian, channels: int):
    fits = [fit_variance(sampled(noise, ramp(channels), role)).noise for role in range(4)]
    for x in (0.2, 0.5, 0.9):
        # Squares of 60,000 details, four of which share each pixel, at the ends of the line: 2 % each.
        assert np.mean([fit.variance(x) for fit in fits]) == pytest.approx(noise.variance(x), rel=0.04)


def test_photograph():
    noise, clean = PoissonGaussian(0.02, 0.001), camera()
    assert fit_variance(sampled(noise, clean)).noise.variance(0.5) == pytest.approx(
        noise.variance(0.5), rel=0.08
    )


def test_evidence_is_on_the_line():
    noise = PoissonGaussian(0.02, 0.001)
    fit = fit_variance(sampled(noise, ramp()))
    assert fit.pixels.sum() > 0.8 * 256**2
    assert np.all(np.diff(fit.intensity) > 0)
    apart = fit.variance / noise.variance(fit.intensity) - 1
    # chi square of so many values, a quarter of them independent at worst
    assert np.abs(apart).max() < 5 * math.sqrt(2 * 4 / fit.pixels.min())


def test_values_clipped_at_white():
    noise, clean = PoissonGaussian(0.05, 0.001), ramp() + 0.1
    clipped = sampled(noise, clean).clip(max=1)
    assert np.mean(clipped == 1) > 0.05
    fitted = fit_variance(clipped, white=1.0).noise
    ignored = fit_variance(clipped).noise
    assert fitted.variance(0.8) == pytest.approx(noise.variance(0.8), rel=0.08)
    assert ignored.variance(0.8) < 0.8 * noise.variance(0.8)


def test_values_clipped_at_black():
    noise, clean = PoissonGaussian(0.001, 0.01), 0.5 * ramp() - 0.1
    clipped = (clean + 0.1 * generator("clipped").standard_normal(clean.shape)).clip(min=0)
    assert np.mean(clipped == 0) > 0.1
    assert fit_variance(clipped, black=0.0).noise.variance(0.1) == pytest.approx(noise.b, rel=0.08)
    assert fit_variance(clipped).noise.variance(0.0) < 0.7 * noise.b


def test_correlated_noise_is_as_strong_as_distant_pixels_say():
    white = generator("correlated").standard_normal((256, 256, 1))
    field = ndimage.gaussian_filter(white, 1.0, axes=(0, 1))
    y = ramp() + 0.05 * field / field.std()
    assert fit_variance(y, spacing=6).noise.variance(0.5) == pytest.approx(0.05**2, rel=0.1)
    assert fit_variance(y).noise.variance(0.5) < 0.3 * 0.05**2


@pytest.mark.parametrize(("black", "white"), [(0.0, 1.0), (-math.inf, 1.0), (0.0, math.inf)])
def test_clipped_moments(black: float, white: float):
    for mean, variance in ((0.9, 0.04), (0.1, 0.01), (1.2, 0.04)):
        first, second = (clipped_moment(power, mean, variance, black, white) for power in (1, 2))
        found = clipped_moments(np.array([mean]), np.array([variance]), black, white)
        assert found[0][0] == pytest.approx(first, abs=1e-9)
        assert found[1][0] == pytest.approx(second - first**2, abs=1e-9)


def clipped_moment(power: int, mean: float, variance: float, black: float, white: float) -> float:
    normal = stats.norm(mean, math.sqrt(variance))
    low, high = normal.ppf(1e-15), normal.isf(1e-15)
    kinks = sorted({low, high, *(end for end in (black, white) if low < end < high)})

    def integrand(y: float) -> float:
        return normal.pdf(y) * min(max(y, black), white) ** power

    return sum(quadrature(integrand, *ends) for ends in pairwise(kinks))


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((64, 64, 1)), "constant"),
        (np.zeros((31, 64, 1)), "31x64 pixels cannot be fitted; it takes at least 32x32"),
        (np.full((64, 64, 1), np.nan), "4096 values of the image are not finite"),
    ],
)
def test_images_without_measurable_noise_are_refused(image: np.ndarray, said: str):
    with pytest.raises(InputError, match=said):
        fit_variance(image)
