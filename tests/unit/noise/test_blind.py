"""Noise of unknown strength: its parameter differs from image to image and is estimated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.errors import InputError
from bench.noise import NOISES, Gaussian, Noise, Poisson
from bench.noise.blind import UnknownNoise, given_noise, noise_of_image
from bench.noise.level import estimate_noise
from bench.seeds import generator

UNKNOWN = UnknownNoise(Gaussian, 20, 55)


@pytest.mark.parametrize("model", NOISES.values(), ids=NOISES)
def test_strengths_are_log_uniform(model: type[Noise]):
    unknown = UnknownNoise(model, *model.blind_range)
    drawn = [unknown.of_image(str(number), seed=0).parameter for number in range(2000)]
    low, high = sorted(model.blind_range)
    assert stats.kstest(drawn, stats.loguniform(low, high).cdf).pvalue > 1e-3


def test_strength_is_a_function_of_image_and_seed():
    strengths = {
        (image, seed): UNKNOWN.of_image(image, seed=seed).parameter for image in ("a", "b") for seed in (0, 1)
    }
    assert len(set(strengths.values())) == 4
    assert UNKNOWN.of_image("b", seed=1).parameter == strengths["b", 1]


def test_a_range_covers_its_ends_alone():
    ends = (Poisson(0.005), Poisson(0.1))
    assert UnknownNoise.covering(ends) == UnknownNoise(Poisson, 0.005, 0.1)
    with pytest.raises(InputError, match=r"covers poisson noise from 0\.005 to 0\.1, not poisson:0\.11"):
        UnknownNoise.covering((*ends, Poisson(0.11)))


def test_unknown_noise_is_estimated_and_known_noise_is_given():
    noisy = Gaussian(25).sample(np.full((40, 40, 1), 0.5), generator("test"))
    assert given_noise(Gaussian(25), noisy) == Gaussian(25)
    assert given_noise(UNKNOWN, noisy) == estimate_noise(Gaussian, noisy) != Gaussian(25)


def test_known_noise_is_the_same_in_every_image():
    assert (
        noise_of_image(Gaussian(25), "a", seed=0) == noise_of_image(Gaussian(25), "b", seed=1) == Gaussian(25)
    )
    assert noise_of_image(UNKNOWN, "a", seed=0) == UNKNOWN.of_image("a", seed=0)
