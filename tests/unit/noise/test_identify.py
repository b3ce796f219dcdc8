"""The law of a picture's noise, told by how it grows with intensity."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from bench.noise import NOISES, Gamma, Gaussian, Noise, Poisson
from bench.noise.blind import UnknownNoise
from bench.noise.identify import SMALLEST_SIDE, growth_of
from bench.noise.mismatch import doubts
from bench.seeds import generator

LEVELS = [Gaussian(10), Gaussian(40), Poisson(0.005), Poisson(0.05), Gamma(200), Gamma(20)]
every_level = pytest.mark.parametrize("noise", LEVELS, ids=lambda noise: noise.spec)


def ramp(channels: int) -> np.ndarray:
    """Run from dark to bright, (H, W, C)."""
    return np.broadcast_to(np.linspace(0.05, 0.85, 256)[:, None, None], (256, 200, channels))


def photograph() -> np.ndarray:
    return data.camera()[..., None].astype(np.float64) / 255


def as_file(noisy: np.ndarray) -> np.ndarray:
    """Clip and round as 8 bits do."""
    return np.rint(255 * noisy.clip(0, 1)) / 255


@every_level
@pytest.mark.parametrize("channels", [1, 3])
def test_exponent_on_a_ramp_is_the_laws_own(noise: Noise, channels: int):
    growth = growth_of(noise.sample(ramp(channels), generator("test", channels)))
    assert growth.exponent == pytest.approx(noise.growth, abs=0.1)
    assert growth.exponent == pytest.approx(noise.growth, abs=4 * growth.error + 0.02)


@every_level
def test_variance_law_grows_by_the_exponent(noise: Noise):
    dark, bright = noise.variance(np.array([0.2, 0.8]))
    assert np.log(bright / dark) / np.log(4) / 2 == pytest.approx(noise.growth)


@every_level
def test_law_of_a_photograph(noise: Noise):
    growth = growth_of(noise.sample(photograph(), generator("test")))
    assert growth.model is type(noise)
    assert [model for model in NOISES.values() if not growth.contradicts(model)] == [type(noise)]


@every_level
def test_law_of_a_photograph_that_a_file_clipped(noise: Noise):
    growth = growth_of(as_file(noise.sample(photograph(), generator("test"))))
    assert growth.model is type(noise)
    assert not growth.contradicts(type(noise))


@every_level
def test_sd_in_the_bins_is_the_laws(noise: Noise):
    growth = growth_of(noise.sample(ramp(1), generator("test")))
    np.testing.assert_allclose(growth.sd, np.sqrt(noise.variance(growth.intensity)), rtol=0.15)
    assert (np.diff(growth.intensity) > 0).all()


@pytest.mark.parametrize(
    "picture",
    [
        np.full((SMALLEST_SIDE - 1, 200, 1), 0.5),
        np.full((200, 200, 1), 0.5),
        np.zeros((200, 200, 1)),
        ramp(1),
        Gaussian(10).sample(np.full((200, 200, 1), 0.5), generator("flat")),
    ],
    ids=["small", "constant", "black", "without noise", "without contrast"],
)
def test_where_nothing_can_be_told(picture: np.ndarray):
    assert growth_of(picture) is None
    assert doubts(Gaussian(25), picture) == []


# Doubts


@every_level
def test_no_doubt_of_the_right_noise(noise: Noise):
    noisy = noise.sample(photograph(), generator("test"))
    assert doubts(noise, noisy) == doubts(noise, as_file(noisy)) == []


@pytest.mark.parametrize("noise", [Gaussian(25), Poisson(0.02), Gamma(50)], ids=str)
@pytest.mark.parametrize("trained", [Gaussian(25), Poisson(0.02), Gamma(50)], ids=str)
def test_wrong_law_is_doubted_with_the_evidence(noise: Noise, trained: Noise):
    said = doubts(trained, noise.sample(photograph(), generator("test")))
    if noise == trained:
        assert said == []
    else:
        (sentence,) = said
        assert f"like {noise.name} noise" in sentence
        assert f"unlike the {trained.name} noise" in sentence
        assert f"^{growth_of(noise.sample(photograph(), generator('test'))).exponent:.2f}" in sentence


@pytest.mark.parametrize(
    ("model", "weak", "strong"), [(Gaussian, 10, 25), (Poisson, 0.01, 0.05), (Gamma, 200, 50)]
)
def test_wrong_strength_is_doubted(model: type[Noise], weak: float, strong: float):
    pictures = {level: model(level).sample(photograph(), generator("test")) for level in (weak, strong)}
    for level, other in ((weak, strong), (strong, weak)):
        (sentence,) = doubts(model(level), pictures[other])
        assert f"but this denoiser is for {model(level).spec}" in sentence


def test_blind_denoisers_doubt_what_lies_outside_their_range():
    unknown = UnknownNoise(Gaussian, 20, 55)
    said = {
        sigma: doubts(unknown, Gaussian(sigma).sample(photograph(), generator("test")))
        for sigma in (10, 20, 35, 55, 90)
    }
    assert [sigma for sigma, doubted in said.items() if doubted] == [10, 90]
    assert "this denoiser is for gaussian:20..55" in said[10][0]
    assert doubts(unknown, Gamma(20).sample(photograph(), generator("test")))
