"""Noise that differs from that for which a denoiser was trained."""

from __future__ import annotations

import numpy as np
import pytest

from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.noise.blind import UnknownNoise
from bench.noise.identify import MIN_SIDE_FOR_GROWTH, measure_growth
from bench.noise.mismatch import mismatches
from bench.seeds import generator
from tests.support.images import as_file, camera

LEVELS = [Gaussian(10), Gaussian(40), Poisson(0.005), Poisson(0.05), Gamma(200), Gamma(20)]


@pytest.mark.parametrize(
    ("shape", "lacking"), [((MIN_SIDE_FOR_GROWTH - 1, 200, 1), "too small"), ((200, 200, 1), "no noise")]
)
def test_what_cannot_be_measured_is_said(shape: tuple[int, int, int], lacking: str):
    assert any(lacking in sentence for sentence in mismatches(Gaussian(25), np.full(shape, 0.5)))


def test_strength_is_compared_even_if_contrast_hides_the_model():
    flat = Gaussian(75).sample(np.full((128, 128, 1), 0.5), generator("low contrast"))
    said = mismatches(Gaussian(25), as_file(flat))
    assert "too much alike" in said[0]
    assert "but this denoiser is for gaussian:25" in said[1]
    assert len(mismatches(Gaussian(75), flat)) == 1


@pytest.mark.parametrize("factor", [1 / 1.5, 1.5])
def test_half_as_strong_again_is_reported(factor: float):
    """Of noise whose estimate is right within 15 %."""
    noisy = as_file(Gaussian(25 * factor).sample(camera(), generator("test")))
    (sentence,) = mismatches(Gaussian(25), noisy)
    assert "but this denoiser is for gaussian:25" in sentence


def test_gamma_encoded_noise_is_like_no_noise_model():
    linear = Poisson(0.01).sample(
        np.broadcast_to(np.linspace(0.02, 0.9, 256)[:, None, None], (256, 256, 1)), generator("g")
    )
    encoded = as_file(linear.clip(0.01, 1) ** (1 / 4))
    said = mismatches(Gaussian(25), encoded)
    assert any("like none of the noise models" in sentence for sentence in said)
    assert not any("like gaussian" in sentence for sentence in said)


@pytest.mark.parametrize("noise", LEVELS, ids=lambda noise: noise.spec)
def test_the_right_noise_matches(noise: Noise):
    noisy = noise.sample(camera(), generator("test"))
    assert mismatches(noise, noisy) == mismatches(noise, as_file(noisy)) == []


@pytest.mark.parametrize("noise", [Gaussian(25), Poisson(0.02), Gamma(50)], ids=str)
@pytest.mark.parametrize("trained", [Gaussian(25), Poisson(0.02), Gamma(50)], ids=str)
def test_another_noise_model_is_reported_with_the_evidence(noise: Noise, trained: Noise):
    said = mismatches(trained, noise.sample(camera(), generator("test")))
    if noise == trained:
        assert said == []
    else:
        (sentence,) = said
        assert f"like {noise.name} noise" in sentence
        assert f"unlike the {trained.name} noise" in sentence
        assert f"^{measure_growth(noise.sample(camera(), generator('test'))).exponent:.2f}" in sentence


@pytest.mark.parametrize(
    ("model", "weak", "strong"), [(Gaussian, 10, 25), (Poisson, 0.01, 0.05), (Gamma, 200, 50)]
)
def test_another_strength_is_reported(model: type[Noise], weak: float, strong: float):
    images = {level: model(level).sample(camera(), generator("test")) for level in (weak, strong)}
    for level, other in ((weak, strong), (strong, weak)):
        (sentence,) = mismatches(model(level), images[other])
        assert f"but this denoiser is for {model(level).spec}" in sentence


def test_blind_denoisers_report_noise_outside_their_range():
    unknown = UnknownNoise(Gaussian, 20, 55)
    said = {
        sigma: mismatches(unknown, Gaussian(sigma).sample(camera(), generator("test")))
        for sigma in (10, 20, 35, 55, 90)
    }
    assert [sigma for sigma, sentences in said.items() if sentences] == [10, 90]
    assert "this denoiser is for gaussian:20..55" in said[10][0]
    assert mismatches(unknown, Gamma(20).sample(camera(), generator("test")))
