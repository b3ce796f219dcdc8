"""The noise model of an image, identified by how its noise grows with intensity."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import InputError
from bench.noise import NOISES, Gamma, Gaussian, Noise, Poisson
from bench.noise.identify import MIN_SIDE_FOR_GROWTH, measure_growth
from bench.seeds import generator
from tests.support.images import as_file, camera

LEVELS = [Gaussian(10), Gaussian(40), Poisson(0.005), Poisson(0.05), Gamma(200), Gamma(20)]
every_level = pytest.mark.parametrize("noise", LEVELS, ids=lambda noise: noise.spec)


def ramp(channels: int) -> np.ndarray:
    """Make an image that runs from dark to bright, (H, W, C)."""
    return np.broadcast_to(np.linspace(0.05, 0.85, 256)[:, None, None], (256, 200, channels))


@every_level
@pytest.mark.parametrize("channels", [1, 3])
def test_exponent_on_a_ramp_is_that_of_the_model(noise: Noise, channels: int):
    growth = measure_growth(noise.sample(ramp(channels), generator("test", channels)))
    assert growth.exponent == pytest.approx(noise.growth, abs=0.1)
    assert growth.exponent == pytest.approx(noise.growth, abs=4 * growth.error + 0.02)


@every_level
def test_the_variance_of_a_model_grows_by_its_exponent(noise: Noise):
    dark, bright = noise.variance(np.array([0.2, 0.8]))
    assert np.log(bright / dark) / np.log(4) / 2 == pytest.approx(noise.growth)


@every_level
def test_noise_model_of_a_photograph(noise: Noise):
    growth = measure_growth(noise.sample(camera(), generator("test")))
    assert growth.model is type(noise)
    assert [model for model in NOISES.values() if not growth.contradicts(model)] == [type(noise)]


@every_level
def test_noise_model_of_a_photograph_that_a_file_clipped(noise: Noise):
    growth = measure_growth(as_file(noise.sample(camera(), generator("test"))))
    assert growth.model is type(noise)
    assert not growth.contradicts(type(noise))


@every_level
def test_sd_in_the_bins_is_that_of_the_model(noise: Noise):
    growth = measure_growth(noise.sample(ramp(1), generator("test")))
    np.testing.assert_allclose(growth.sd, np.sqrt(noise.variance(growth.intensity)), rtol=0.15)
    assert (np.diff(growth.intensity) > 0).all()


@pytest.mark.parametrize(
    ("image", "lacking"),
    [
        (np.full((MIN_SIDE_FOR_GROWTH - 1, 200, 1), 0.5), "too small"),
        (np.full((200, 200, 1), 0.5), "no noise"),
        (np.zeros((200, 200, 1)), "hardly any part"),
        (ramp(1), "no noise"),
        (
            Gaussian(10).sample(np.full((200, 200, 1), 0.5), generator("flat")),
            "too much alike, from 0.49 to 0.5",
        ),
    ],
    ids=["small", "constant", "black", "without noise", "without contrast"],
)
def test_what_is_lacking_is_said_where_the_growth_cannot_be_measured(image: np.ndarray, lacking: str):
    with pytest.raises(InputError, match=lacking):
        measure_growth(image)


def test_the_noise_of_few_photons_grows_as_its_root():
    """Medians fall between two counts of 0, 1, 2; mean squares do not."""
    counts = generator("photons").poisson(4 * ramp(1))
    growth = measure_growth(counts / counts.max())
    assert growth.model is Poisson
    assert growth.exponent == pytest.approx(0.5, abs=0.1)


def test_only_the_pixels_that_count_are_measured():
    noisy = Gaussian(10).sample(ramp(1), generator("test"))
    noisy[:, :100] += 0.3 * noisy[:, :100] * generator("other").standard_normal((256, 100, 1))
    right = np.zeros(noisy.shape, dtype=bool)
    right[:, 110:] = True
    assert measure_growth(noisy, where=right).exponent == pytest.approx(0, abs=0.1)
