"""Sets whose images count as clean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from bench.images.registry import REGISTRY
from bench.images.sources import open_set
from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.noise.clean_set import visible_noise
from bench.seeds import generator
from tests.support.images import as_file

PHOTOGRAPHS = [
    image.reshape(*image.shape[:2], -1) / 255
    for image in (
        data.camera()[::2, ::2],
        data.coins()[:256],
        data.astronaut()[:256, :256],
        data.moon()[:256],
    )
]


@pytest.mark.parametrize(
    "noise", [Gaussian(5), Gaussian(50), Poisson(0.01), Gamma(50)], ids=lambda noise: noise.spec
)
def test_a_set_is_noisy_with_noise_and_clean_without(noise: Noise):
    assert visible_noise(PHOTOGRAPHS) is None
    noisy = [as_file(noise.sample(clean, generator("set", i))) for i, clean in enumerate(PHOTOGRAPHS)]
    assert visible_noise(noisy) is not None


def test_the_strength_of_white_noise_is_returned():
    noisy = [as_file(Gaussian(15).sample(clean, generator("set"))) for clean in PHOTOGRAPHS]
    assert 255 * visible_noise(noisy) == pytest.approx(15, rel=0.1)


def test_blurred_noise_is_seen_too():
    noisy = [
        as_file(gaussian_filter(Gaussian(35).sample(clean, generator("set")), (1, 1, 0)))
        for clean in PHOTOGRAPHS
    ]
    assert visible_noise(noisy) is not None


def test_sets_of_tiny_or_constant_images_show_nothing():
    assert visible_noise([np.zeros((8, 8, 1)), np.full((40, 40, 1), 1.0)]) is None


@pytest.mark.data
@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_registered_sets_are_clean(name: str):
    images = open_set(name, channels=REGISTRY[name].channels)
    chosen = images.images[:: -(-len(images) // 8)]
    assert visible_noise(image.pixels / 255 for image in chosen) is None
