"""Residuals: spectrum and variance."""

from __future__ import annotations

import numpy as np
import pytest

from bench.report.residual_figure import FREQUENCIES, spectrum, statistics, variances
from tests.support.methods.noises import every_noise

rng = np.random.default_rng


def test_white_noise_has_a_flat_spectrum_of_its_variance():
    noise = 3 * rng(0).standard_normal((256, 200, 2))
    at, power, counts = spectrum(noise)
    assert len(at) == FREQUENCIES
    # Each coefficient is exponential; two channels halve its variance, conjugates double it.
    assert (np.abs(power / 9 - 1) < 5 / np.sqrt(counts)).all()


def test_a_wave_has_its_power_at_its_frequency():
    wave = np.cos(2 * np.pi * 0.2 * np.arange(200))[:, None, None] * np.ones((1, 100, 1))
    at, power, counts = spectrum(wave)
    assert abs(at[power.argmax()] - 0.2) <= 0.25 / FREQUENCIES
    # Parseval: the sum over all coefficients is the sum of squares.
    assert (power * counts).sum() == pytest.approx((wave**2).sum())


def test_variances_are_those_of_pixels_of_similar_intensity():
    clean = np.array([0.02, 0.05, 0.62, 0.68, 1.0])
    residual = np.array([1.0, 3.0, 2.0, 4.0, 5.0])
    at, ratio, counts = variances(residual, clean)
    found = {round(a, 2): (r, c) for a, r, c in zip(at, ratio, counts, strict=True) if c}
    assert found == {0.05: (5.0, 2), 0.65: (10.0, 2), 0.95: (25.0, 1)}


@every_noise
def test_residuals_are_one_if_exactly_the_noise_is_removed_and_zero_if_nothing_is(make_image, noise):
    whole = statistics([make_image(noise, lambda bare: bare.clean)])
    spectra = whole[whole["quantity"] == "spectrum"]
    assert np.average(spectra["ratio"], weights=spectra["pixels"]) == pytest.approx(1, abs=0.1)
    variance = whole[whole["quantity"] == "variance"]
    assert len(variance) > 2
    # The mean square of n pixels scatters by about sqrt(2 / n), by more for noise with long tails.
    assert (np.abs(variance["ratio"] - 1) < 5 * np.sqrt(2 / variance["pixels"])).all()
    assert (statistics([make_image(noise, lambda bare: bare.noisy)])["ratio"] == 0).all()
