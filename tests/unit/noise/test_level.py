"""The strength of noise, estimated from one noisy image."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bench.errors import InputError
from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.noise.level import MIN_SIDE_FOR_LEVEL, estimate_noise
from bench.seeds import generator
from tests.support.images import camera

LEVELS = [Gaussian(5), Gaussian(25), Gaussian(80), Poisson(0.01), Poisson(0.05), Gamma(300), Gamma(50)]

every_level = pytest.mark.parametrize("noise", LEVELS, ids=lambda noise: noise.spec)


def scene(channels: int) -> np.ndarray:
    """Make ramps of light with edges between them, (H, W, C)."""
    down, across = np.meshgrid(np.linspace(0, 1, 200), np.linspace(0, 1, 240), indexing="ij")
    ramps = 0.3 + 0.2 * down + 0.3 * ((across > 0.4) ^ (down > 0.6))
    return np.repeat(ramps[..., None], channels, axis=2)


def relative_error(noise: Noise, clean: np.ndarray, *, role: int = 0) -> float:
    noisy = noise.sample(clean, generator("test", role))
    return estimate_noise(type(noise), noisy).parameter / noise.parameter - 1


@every_level
@pytest.mark.parametrize("channels", [1, 3])
def test_piecewise_smooth_scene(noise: Noise, channels: int):
    errors = [relative_error(noise, scene(channels), role=role) for role in range(5)]
    # The median magnitude of n = 9,000 correlated values spreads by some 2 %, zeta and k by twice as much.
    assert np.mean(errors) == pytest.approx(0, abs=0.03)
    assert np.abs(errors).max() < 0.1


@pytest.mark.parametrize("noise", [Gaussian(25), Poisson(0.02), Gamma(80)], ids=str)
def test_photograph(noise: Noise):
    clean = camera()
    assert relative_error(noise, clean) == pytest.approx(0, abs=0.06)


def test_texture_does_not_count():
    clean = scene(1)
    clean[:, :120] += 0.1 * generator("texture").choice([-1, 1], (200, 120, 1))
    for noise in (Gaussian(10), Poisson(0.005), Gamma(200)):
        assert relative_error(noise, clean) == pytest.approx(0, abs=0.15)


def test_stronger_noise_has_a_higher_estimate():
    clean = camera()[::2, ::2]
    estimates = [
        estimate_noise(Gaussian, Gaussian(sigma).sample(clean, generator("same"))).parameter
        for sigma in (10, 15, 20, 40, 80)
    ]
    assert sorted(estimates) == estimates


def test_gaussian_estimate_scales_with_the_image():
    noisy = Gaussian(25).sample(scene(1), generator("test"))
    once, thrice = (estimate_noise(Gaussian, factor * noisy).parameter for factor in (1, 3))
    assert thrice == pytest.approx(3 * once, rel=1e-5)


def test_poisson_and_gamma_estimates_keep_their_unit():
    """zeta has the unit of intensities, and k has none."""
    for noise, power in ((Poisson(0.02), 1), (Gamma(50), 0)):
        noisy = noise.sample(scene(1) / 2, generator("test"))
        once, twice = (estimate_noise(type(noise), factor * noisy).parameter for factor in (1, 2))
        assert twice == pytest.approx(2**power * once, rel=2e-3)


def test_black_parts_do_not_hide_the_noise():
    clean = scene(1)
    clean[:120] = 0
    for noise in (Poisson(0.02), Gamma(50)):
        assert relative_error(noise, clean) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("model", [Gaussian, Poisson, Gamma])
@pytest.mark.parametrize(
    "shape", [(MIN_SIDE_FOR_LEVEL - 1, 40, 1), (40, MIN_SIDE_FOR_LEVEL - 1, 3), (1, 1, 1)]
)
def test_too_small_an_image(model: type[Noise], shape: tuple[int, int, int]):
    with pytest.raises(InputError, match=f"{shape[0]}x{shape[1]} pixels cannot be estimated"):
        estimate_noise(model, np.ones(shape, dtype=np.float32))


@pytest.mark.parametrize(
    ("model", "intensity", "said"),
    [
        (Gaussian, 0.0, "no gaussian noise is found"),
        (Poisson, 0.5, "no poisson noise is found"),
        (Gamma, 0.5, "no gamma noise is found"),
        (Poisson, 0.0, "black throughout"),
        (Gamma, 0.0, "black throughout"),
    ],
)
def test_no_noise_at_all(model: type[Noise], intensity: float, said: str):
    with pytest.raises(InputError, match=re.escape(said)):
        estimate_noise(model, np.full((40, 40, 1), intensity, dtype=np.float32))
