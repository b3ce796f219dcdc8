"""SURE against true errors and closed forms, under white, growing and correlated noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bench.judging.stein import correlated_probe, stein_error, white_probe
from bench.judging.variance import divergence_weight, variance_of
from bench.noise import Gamma, Gaussian, Poisson
from bench.noise.poisson_gaussian import PoissonGaussian
from bench.seeds import generator
from tests.support.judging import assert_unbiased, blur, clean_image, curve, repeated

X = clean_image()
NOISES = [Gaussian(25), Poisson(0.01), Gamma(50), PoissonGaussian(0.01, 0.001), PoissonGaussian(0.02, -0.002)]


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.spec)
@pytest.mark.parametrize("denoiser", [blur, curve], ids=["linear", "smooth"])
def test_mean_is_the_true_error(noise, denoiser):
    estimates, truths = [], []
    for rng in repeated(150, noise.spec):
        y = noise.sample(X, rng).astype(float)
        v = variance_of(y, noise)
        estimates.append(stein_error(denoiser, y, v, [white_probe(divergence_weight(y, noise), rng)]).mean())
        truths.append(((denoiser(y) - X) ** 2).mean())
    # Third derivatives of a bent denoiser, and steps of finite size, add up to half a percent.
    assert_unbiased(estimates, truths, tolerance=0.1, bias=0.005 if denoiser is curve else 0)


def test_of_a_linear_filter_it_has_the_closed_form():
    """(f - y)^2 - v + 2 v h_0, with h_0 the filter's centre, exactly in the mean over probes."""
    y, v = X + 0.1, np.full(X.shape, 0.01)
    impulse = np.zeros(X.shape)
    impulse[16, 16] = 1
    centre = (blur(impulse) - blur(0 * impulse))[16, 16, 0]
    probes = [white_probe(v, rng) for rng in repeated(100)]
    expected = ((blur(y) - y) ** 2).mean() - 0.01 + 2 * 0.01 * centre
    # Five standard errors: each of 100 x 1024 products varies by about v times the filter's norm.
    assert stein_error(blur, y, v, probes).mean() == pytest.approx(
        expected, abs=5 * 2 * 0.01 / np.sqrt(100 * 1024)
    )


def test_the_identity_has_the_error_of_the_noise():
    y, v = X + 0.1, np.full(X.shape, 0.01)
    assert stein_error(lambda y: y, y, v, [white_probe(v, generator("w"))]).mean() == pytest.approx(0.01)


def test_probes_do_not_change_what_a_denoiser_measures():
    """A denoiser that measures the strength of the noise in y meets the same strength with either sign."""
    noise, seen = Gaussian(25), []

    def watching(y: np.ndarray) -> np.ndarray:
        seen.append(y.copy())
        return blur(y)

    y = noise.sample(X, generator("y")).astype(float)
    w = white_probe(variance_of(y, noise), generator("w"))
    stein_error(watching, y, variance_of(y, noise), [w], eps=0.3)
    np.testing.assert_allclose((seen[0] + seen[1]) / 2, y, atol=1e-12)
    assert any(np.allclose(one - y, 0.3 * w) for one in seen)


def white_noise_blurred(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return ndimage.gaussian_filter(rng.standard_normal(shape), 0.8, axes=(0, 1), mode="wrap")


def true_correlation() -> np.ndarray:
    impulse = np.zeros((64, 64))
    impulse[32, 32] = 1
    twice = ndimage.gaussian_filter(ndimage.gaussian_filter(impulse, 0.8), 0.8)
    return twice[27:38, 27:38] / twice[32, 32]


def test_correlated_noise_needs_correlated_probes():
    correlation, sd = true_correlation(), 0.1
    scale = sd / white_noise_blurred(generator("scale"), (400, 400, 1)).std()
    v = np.full(X.shape, sd**2)
    right, wrong, truths = [], [], []
    for rng in repeated(200, "correlated"):
        y = X + scale * white_noise_blurred(rng, X.shape)
        right.append(stein_error(curve, y, v, [correlated_probe(v, correlation, rng)]).mean())
        wrong.append(stein_error(curve, y, v, [white_probe(v, rng)]).mean())
        truths.append(((curve(y) - X) ** 2).mean())
    assert_unbiased(right, truths, tolerance=0.1, bias=0.02)
    assert np.mean(wrong) < 0.6 * np.mean(truths)


@pytest.mark.parametrize("shape", [(48, 64, 1), (49, 63, 1)])
def test_correlated_probes_have_the_given_variance_and_correlation(shape):
    correlation = true_correlation()
    v = np.full(shape, 0.04)
    probes = np.stack([correlated_probe(v, correlation, rng) for rng in repeated(100)])
    count = probes.size / 7  # independent values, about
    assert probes.var() == pytest.approx(0.04, rel=5 * np.sqrt(2 / count))
    for down, across in ((0, 1), (1, 0), (2, 1)):
        found = (probes * np.roll(probes, (down, across), axis=(1, 2))).mean() / 0.04
        assert found == pytest.approx(correlation[5 + down, 5 + across], abs=5 / np.sqrt(count))


def test_probes_where_the_variance_is_negative_are_zero():
    v = np.full((8, 8, 1), -1.0)
    assert not white_probe(v, generator("w")).any()
    assert not correlated_probe(v, np.ones((1, 1)), generator("w")).any()
