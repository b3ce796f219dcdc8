"""The correlation of noise, from two copies and from the flat parts of one image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bench.judging.correlation_of_noise import REACH, correlation_of_copies, correlation_of_flat_parts
from bench.seeds import generator
from tests.support.judging import clean_image

X = clean_image(128)
V = 0.01 * (0.5 + X)  # of the noise, which grows with intensity


def noisy(role: str, blur: float) -> np.ndarray:
    field = generator("correlation", role).standard_normal(X.shape)
    if blur:
        field = ndimage.gaussian_filter(field, blur, axes=(0, 1), mode="wrap")
    return X + np.sqrt(V) * field / field.std()


def expected(blur: float) -> np.ndarray:
    impulse = np.zeros((41, 41))
    impulse[20, 20] = 1
    twice = ndimage.gaussian_filter(ndimage.gaussian_filter(impulse, blur), blur) if blur else impulse
    return twice[20 - REACH : 21 + REACH, 20 - REACH : 21 + REACH] / twice[20, 20]


@pytest.mark.parametrize("blur", [0, 0.8])
def test_from_two_copies(blur: float):
    found = correlation_of_copies(noisy("first", blur), noisy("second", blur), V)
    # Five standard errors of a correlation of 128^2 values, of which a blur leaves a ninth independent.
    np.testing.assert_allclose(found, expected(blur), atol=5 * 3 / 128)


@pytest.mark.parametrize("blur", [0, 0.8])
def test_from_flat_parts(blur: float):
    # Of a quarter of the image; the mean that is removed takes about 1 / 450 of the variance.
    found = correlation_of_flat_parts(noisy("first", blur), V)
    np.testing.assert_allclose(found, expected(blur), atol=5 * 3 / 64)


def test_it_is_symmetric_and_one_at_the_centre():
    found = correlation_of_copies(noisy("first", 0.8), noisy("second", 0.8), V)
    np.testing.assert_allclose(found, found[::-1, ::-1], atol=1e-12)
    assert found[REACH, REACH] == 1


def test_direction():
    """Noise that is blurred along rows is correlated along them alone."""
    field = generator("rows").standard_normal((2, *X.shape))
    rows = field + np.roll(field, 1, axis=2)
    found = correlation_of_copies(rows[0], rows[1], np.ones(X.shape))
    assert found[REACH, REACH + 1] == pytest.approx(0.5, abs=0.05)
    assert found[REACH + 1, REACH] == pytest.approx(0, abs=0.05)
