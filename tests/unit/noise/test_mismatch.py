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


@pytest.mark.parametrize("shape", [(MIN_SIDE_FOR_GROWTH - 1, 200, 1), (200, 200, 1)], ids=["small", "flat"])
def test_nothing_is_reported_where_noise_cannot_be_measured(shape: tuple[int, int, int]):
    assert mismatches(Gaussian(25), np.full(shape, 0.5)) == []


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
