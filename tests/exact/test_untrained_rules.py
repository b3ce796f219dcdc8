"""The filters that need no training compute what their equations say."""

from __future__ import annotations

import sys
from itertools import product
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import pywt

from bench.seeds import generator
from methods.bm3d import Bm3d
from methods.nlm import Nlm
from methods.wavelet import Wavelet
from tests.support.images import photograph

SD = 0.1


def noisy_image(channels: int, *, side: int = 48) -> np.ndarray:
    """Draw an image with white noise of standard deviation ``SD``, (side, side, channels)."""
    clean = photograph(side, side, channels, seed=5).reshape(side, side, channels) / 255
    return clean + SD * generator("test").standard_normal(clean.shape)


def shrink(coefficients: np.ndarray) -> np.ndarray:
    """Soften by Chang et al. (2000), equations 2 and 12: T = sd^2 / sd_x, sd_x^2 = E[Y^2] - sd^2."""
    excess = np.square(coefficients).mean() - SD**2
    threshold = SD**2 / np.sqrt(max(excess, np.finfo(float).eps))
    return np.sign(coefficients) * np.maximum(np.abs(coefficients) - threshold, 0)


@pytest.mark.parametrize("channels", [1, 3])
def test_wavelet_shrinks_each_subband_of_each_channel_by_its_own_threshold(channels: int):
    image = noisy_image(channels, side=112)
    expected = np.empty_like(image)
    for channel in range(channels):
        coarsest, *details = pywt.wavedec2(image[..., channel], "sym4", level=4)
        shrunk = [tuple(map(shrink, bands)) for bands in details]
        expected[..., channel] = pywt.waverec2([coarsest, *shrunk], "sym4")
    np.testing.assert_allclose(Wavelet().rule(image, SD), expected, rtol=1e-10, atol=1e-12)


def mean_of_similar(image: np.ndarray, row: int, column: int) -> np.ndarray:
    """Average the 13x13 pixels around one by exp(-max(d^2 - 2 sd^2, 0) / (.75 sd)^2) of their 5x5 patches."""
    mirrored = np.pad(image, ((8, 8), (8, 8), (0, 0)), mode="symmetric")

    def patch(down: int, right: int) -> np.ndarray:
        return mirrored[row + down + 6 : row + down + 11, column + right + 6 : column + right + 11]

    patches = np.array([patch(down, right) for down in range(-6, 7) for right in range(-6, 7)])
    excess = np.square(patches - patch(0, 0)).mean(axis=(1, 2, 3)) - 2 * SD**2
    weights = np.exp(-np.maximum(excess, 0) / (0.75 * SD) ** 2)
    return weights @ patches[:, 2, 2] / weights.sum()


@pytest.mark.parametrize("channels", [1, 3])
def test_non_local_means_averages_by_the_similarity_of_patches(channels: int):
    image = noisy_image(channels)
    averaged = Nlm().rule(image, SD)
    for row, column in product((0, 1, 7, 24, 30, 46, 47), repeat=2):
        np.testing.assert_allclose(averaged[row, column], mean_of_similar(image, row, column), rtol=1e-9)


def test_bm3d_runs_the_standard_profile_of_its_package_on_one_thread(monkeypatch: pytest.MonkeyPatch):
    calls = []
    package = ModuleType("bm3d")
    package.BM3DProfile = lambda: SimpleNamespace(num_threads=0)
    package.bm3d = lambda *arguments: calls.append(arguments) or arguments[0] / 2
    monkeypatch.setitem(sys.modules, "bm3d", package)
    image = noisy_image(1)
    np.testing.assert_array_equal(Bm3d().rule(image, SD), image / 2)
    ((given, sd, profile),) = calls
    np.testing.assert_array_equal(given, image)
    assert sd == SD
    assert vars(profile) == {"num_threads": 1}
