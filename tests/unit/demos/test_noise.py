"""The noise demonstration: three noises of equal error on one photograph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.demos.noise import demonstrate, embedded, equal_noises, read_clean
from bench.errors import InputError
from tests.support.tiffs import tiff_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("sigma", [5.0, 25.0, 60.0])
@pytest.mark.parametrize("photograph", ["astronaut.png", "camera.png", "rocket.jpg"])
def test_three_noises_have_one_expected_error(photograph: str, sigma: float):
    clean = embedded(photograph)
    for noise in equal_noises(clean, sigma=sigma):
        assert float(noise.variance(clean).mean()) == pytest.approx((sigma / 255) ** 2, rel=1e-9)


def test_measured_errors_agree_with_the_expected_variances():
    demo = demonstrate("camera.png", embedded("camera.png"), sigma=25, seed=0)
    for one in demo.corrupted:
        # Five standard errors each; levels of few pixels, whose errors are skewed, do not count.
        assert abs(one.mse - one.expected_mse) < 5 * one.mse_error < 0.02 * one.expected_mse
        full = one.by_intensity[one.by_intensity["pixels"] > 1000]
        away = (full["measured_variance"] - full["expected_variance"]).abs() / full["standard_error"]
        assert len(full) > 20
        assert away.max() < 5
        assert one.by_intensity["pixels"].sum() == demo.clean.size
    gaussian, poisson, gamma = (one.outside for one in demo.corrupted)
    assert gaussian > 0
    assert poisson > 0
    assert gamma > 0


def test_noise_is_keyed_by_its_seed():
    clean = embedded("camera.png")[:32, :32]
    one, same, other = (demonstrate("camera.png", clean, sigma=25, seed=seed) for seed in (0, 0, 1))
    for first, second, third in zip(one.corrupted, same.corrupted, other.corrupted, strict=True):
        np.testing.assert_array_equal(first.noisy, second.noisy)
        assert (first.noisy != third.noisy).any()


def test_images_without_equal_noises_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="black"):
        equal_noises(np.zeros((20, 20, 1)), sigma=25)
    with pytest.raises(InputError, match=r"sigma 200 is too large.*sigma < 127\.5"):
        equal_noises(np.full((20, 20, 1), 0.5), sigma=200)
    (tmp_path / "beyond.tiff").write_bytes(tiff_of(np.full((20, 20), 1.5, np.float32)))
    with pytest.raises(InputError, match=r"is in \[0, 1\]"):
        read_clean(tmp_path / "beyond.tiff")
