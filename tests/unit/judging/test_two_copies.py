"""A second noisy copy: its gain, and errors under noise of which nothing is known."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import InputError
from bench.judging.two_copies import on_scale_of, surround, two_copy_error
from bench.noise import Gaussian, Poisson
from bench.seeds import generator
from tests.support.judging import assert_unbiased, blur, clean_image, median, repeated

X = clean_image(64)


@pytest.mark.parametrize("denoiser", [blur, median], ids=["linear", "not smooth"])
def test_mean_is_the_true_error_though_the_copies_differ_in_noise(denoiser):
    estimates, truths = [], []
    for rng in repeated(200, "copies"):
        y, copy = Poisson(0.03).sample(X, rng), Gaussian(20).sample(X, rng)
        estimates.append(two_copy_error(denoiser(y), y, copy).mean())
        truths.append(((denoiser(y) - X) ** 2).mean())
    assert_unbiased(estimates, truths, tolerance=0.2)


def test_of_constant_images_it_has_the_closed_form():
    flat = np.ones((16, 16, 1))
    # (.5 - .3)^2 - (.3 - (.2 + .3) / 2) (.3 - .2)
    np.testing.assert_allclose(two_copy_error(0.5 * flat, 0.2 * flat, 0.3 * flat), 0.04 - 0.005)


@pytest.mark.parametrize(("gain", "offset"), [(0.8, 0.1), (1.0, 0.0), (1.25, -0.2)])
def test_gain_and_offset_are_fitted_without_bias(gain: float, offset: float):
    """Least squares would find 30 % less, since half of the variance of a copy is noise."""
    noise, gains, means = Gaussian(30), [], []
    for rng in repeated(60, "gains"):
        y, copy = noise.sample(X, rng), gain * noise.sample(X, rng) + offset
        matched = on_scale_of(y, copy)
        gains.append(gain * np.ptp(matched) / np.ptp(copy))
        means.append(matched.mean() - y.mean())
    assert np.mean(gains) == pytest.approx(1, abs=0.01 + 5 * np.std(gains) / np.sqrt(60))
    assert np.std(gains) < 0.1
    np.testing.assert_allclose(means, 0, atol=1e-6)


def test_the_surround_leaves_out_near_neighbours():
    impulse = np.zeros((21, 21, 1))
    impulse[10, 10] = 1
    around = surround(impulse)[..., 0]
    assert not around[7:14, 7:14].any()
    assert np.count_nonzero(around) == 13**2 - 7**2
    assert around.sum() == pytest.approx(1)


def test_copies_of_different_shape_are_refused():
    with pytest.raises(InputError, match=r"\(64, 64, 1\) and \(64, 32, 1\)"):
        on_scale_of(X, X[:, :32])


def test_copies_without_structure_are_refused():
    y, copy = (generator(name).standard_normal((64, 64, 1)) for name in ("y", "copy"))
    with pytest.raises(InputError, match="gain between two copies cannot be fitted"):
        on_scale_of(y, copy)
