"""Images that were saved as JPEG."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bench.noise import Gaussian
from bench.noise.jpeg import was_jpeg
from bench.seeds import generator
from tests.support.images import camera


def decoded(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(file, "JPEG", quality=quality)
    return np.atleast_3d(np.asarray(Image.open(file))) / 255


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("sigma", [5, 25])
def test_a_noisy_image_was_jpeg_if_and_only_if_it_was_saved_as_such(sigma: float, channels: int):
    clean = np.repeat(camera(), channels, axis=2)
    noisy = Gaussian(sigma).sample(clean, generator("jpeg", channels))
    pixels = np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)
    assert not was_jpeg(pixels / 255)
    for quality in (50, 90):
        assert was_jpeg(decoded(pixels, quality))


def test_too_few_blocks_show_nothing():
    assert not was_jpeg(decoded(np.full((40, 40), 99, np.uint8), 50))
