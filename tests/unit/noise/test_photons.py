"""Noise in images of few photons."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import InputError
from bench.noise import Gaussian, Poisson
from bench.noise.photons import estimate_zeta, has_few_levels, photon_sd
from bench.seeds import generator

EVERYWHERE = np.ones((200, 200, 1), dtype=bool)


@pytest.mark.parametrize("mean", [0.2, 1, 4, 30])
def test_zeta_is_the_value_of_one_count_at_any_number_of_photons(mean: float):
    ramp = np.broadcast_to(np.linspace(0.5, 1.5, 200)[:, None, None], EVERYWHERE.shape)
    noisy = Poisson(0.05).sample(0.05 * mean * ramp, generator("photons"))
    assert estimate_zeta(noisy, where=EVERYWHERE).parameter == pytest.approx(0.05, rel=0.06)


def test_mean_squares_give_the_standard_deviation_of_white_noise():
    noisy = Gaussian(10).sample(np.full((200, 200, 1), 0.5), generator("flat"))
    assert photon_sd(noisy, where=EVERYWHERE) == pytest.approx(10 / 255, rel=0.03)


def test_few_levels_are_those_of_counts():
    assert has_few_levels(generator("levels").poisson(2.0, (99, 99, 1)))
    assert not has_few_levels(np.arange(256))


def test_no_noise():
    with pytest.raises(InputError, match="no poisson noise is found"):
        estimate_zeta(np.full(EVERYWHERE.shape, 0.5), where=EVERYWHERE)
