"""What one image shows about its noise."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from bench.errors import InputError
from bench.noise import NOISES, Gaussian, Poisson
from bench.noise.measured import measure_noise
from bench.seeds import generator
from tests.support.images import as_file, camera


def test_a_noisy_image_gives_the_strength_of_its_noise_and_no_remark():
    measured = measure_noise(as_file(Gaussian(20).sample(camera(), generator("plain"))))
    assert measured.remarks() == []
    assert measured.level(Gaussian).parameter == pytest.approx(20, rel=0.1)


def test_a_saturated_half_is_said_and_does_not_count():
    clean = 0.5 * camera() + 0.3
    clean[:, 256:] = 1.5
    measured = measure_noise(as_file(Gaussian(25).sample(clean, generator("half"))))
    assert any("saturated" in remark for remark in measured.remarks())
    assert measured.saturated == pytest.approx(0.5, abs=0.05)
    assert measured.level(Gaussian).parameter == pytest.approx(25, rel=0.1)


def test_an_image_that_is_saturated_throughout_shows_no_noise():
    white = as_file(Gaussian(25).sample(np.full((100, 100, 1), 1.2), generator("white")))
    measured = measure_noise(white)
    assert measured.remarks()
    for model in NOISES.values():
        with pytest.raises(InputError, match="of its pixels are clipped"):
            measured.level(model)


def test_few_photons_give_the_value_of_one_count():
    counts = generator("photons").poisson(2 * camera())
    measured = measure_noise(counts / counts.max())
    assert measured.remarks() == []
    assert measured.growth.model is Poisson
    assert measured.level(Poisson).parameter == pytest.approx(1 / counts.max(), rel=0.1)


def test_the_strength_of_other_than_gaussian_noise_is_its_mean_over_intensities():
    ramp = np.broadcast_to(np.linspace(0.1, 0.7, 256)[:, None, None], (256, 200, 1))
    measured = measure_noise(Poisson(0.01).sample(ramp, generator("ramp")))
    mean_sd = np.sqrt(0.01 * np.linspace(0.1, 0.7, 100)).mean()
    assert measured.level(Gaussian).parameter == pytest.approx(255 * mean_sd, rel=0.05)


def test_correlation_and_jpeg_are_named():
    noisy = Gaussian(25).sample(camera(), generator("plain"))
    assert "correlated between neighbouring" in measure_noise(gaussian_filter(noisy, (1, 1, 0))).remarks()[0]
    file = io.BytesIO()
    Image.fromarray(np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)[..., 0]).save(file, "JPEG", quality=90)
    decoded = np.atleast_3d(np.asarray(Image.open(file))) / 255
    assert any("saved as JPEG" in remark for remark in measure_noise(decoded).remarks())
