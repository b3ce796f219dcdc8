"""Correlated noise, which no noise model here describes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.noise.correlation import Correlation, find_correlation
from bench.seeds import generator
from tests.support.images import as_file, camera

NOISES = [Gaussian(15), Gaussian(50), Poisson(0.02), Gamma(50)]
UNCORRELATED = Correlation(neighbours=False, rows=False, columns=False)


def found(noisy: np.ndarray) -> Correlation:
    return find_correlation(noisy, where=np.ones(noisy.shape, dtype=bool))


def blurred(noisy: np.ndarray, by: float) -> np.ndarray:
    return gaussian_filter(noisy, (by, by, 0))


@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.spec)
def test_white_noise_is_not_correlated_but_becomes_so_by_a_blur_of_half_a_pixel(noise: Noise):
    noisy = noise.sample(camera(), generator("white"))
    everywhere = np.ones(noisy.shape, dtype=bool)
    assert find_correlation(noisy, where=everywhere, exponent=noise.growth) == UNCORRELATED
    after = as_file(blurred(noisy, 0.5))
    assert find_correlation(after, where=everywhere, exponent=noise.growth).neighbours


def test_noise_of_few_photons_is_not_correlated():
    counts = generator("photons").poisson(0.6 * camera())
    assert found(counts / counts.max()) == UNCORRELATED
    assert found(blurred(counts / counts.max(), 0.7)).neighbours


def test_enlarged_noise_is_correlated():
    noisy = Gaussian(25).sample(camera()[::2, ::2], generator("small"))
    for order in (0, 1, 3):
        assert found(zoom(noisy, (2, 2, 1), order=order)).neighbours


@pytest.mark.parametrize("colour", [False, True])
def test_demosaicked_noise_is_correlated(colour: bool):
    rng = generator("mosaic")
    clean = np.repeat(camera(), 3 if colour else 1, axis=2)
    noisy = Gaussian(25).sample(clean, rng)
    row, column = np.indices(noisy.shape[:2])
    measured = ((row + column) % 2 == 0)[..., None]  # green, half of a Bayer mosaic
    near = (np.roll(noisy, 1, 0) + np.roll(noisy, -1, 0) + np.roll(noisy, 1, 1) + np.roll(noisy, -1, 1)) / 4
    assert found(np.where(measured, noisy, near)).neighbours


@pytest.mark.parametrize("axis", [0, 1])
def test_noise_of_whole_rows_or_columns(axis: int):
    clean = camera()
    lines = [1, 1, 1]
    lines[axis] = clean.shape[axis]
    rng = generator("lines", axis)
    noisy = Gaussian(15).sample(clean, rng) + 8 / 255 * rng.standard_normal(lines)
    assert found(noisy) == Correlation(neighbours=False, rows=axis == 0, columns=axis == 1)
    assert f"along {('rows', 'columns')[axis]}" in str(found(noisy))


def test_nothing_is_said_where_no_pixel_counts():
    noisy = blurred(Gaussian(25).sample(camera(), generator("white")), 1)
    assert find_correlation(noisy, where=np.zeros(noisy.shape, dtype=bool)) == UNCORRELATED
    assert str(UNCORRELATED) == ""
