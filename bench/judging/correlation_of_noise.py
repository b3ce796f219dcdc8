"""Measure how noise is correlated from pixel to pixel, for estimates that need its correlation."""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

REACH = 5
"""Pixels; noise farther apart is taken to be independent."""
BLUR = 6.0
FLAT_SHARE = 0.25


def correlation_of_copies(noisy: np.ndarray, copy: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Measure the correlation of the noise from two copies on one scale.

    Args:
        noisy: y, (H, W, C), intensities.
        copy: the second copy on the scale of the first, of the same shape.
        variance: of the noise of each value, of the same shape, up to a common factor.

    Returns:
        The correlation at each offset, (2 REACH + 1, 2 REACH + 1), 1 at the centre.
    """
    return _correlation((noisy - copy) / _sd(variance), np.ones(noisy.shape))


def correlation_of_flat_parts(noisy: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Measure the correlation of the noise from the flattest quarter of one image.

    The arguments are those of ``correlation_of_copies``. Structure within the quarter, and the removal of
    its mean, make it less exact than two copies.
    """
    smooth = ndimage.gaussian_filter(noisy, BLUR, axes=(0, 1))
    slopes = [ndimage.gaussian_filter(noisy, BLUR, order=order, axes=(0, 1)) for order in ((0, 1), (1, 0))]
    steepness = np.hypot(*slopes) / _sd(variance)
    flat = steepness <= np.quantile(steepness, FLAT_SHARE)
    return _correlation((noisy - smooth) / _sd(variance), flat.astype(float))


def _sd(variance: np.ndarray) -> np.ndarray:
    positive = variance[variance > 0]
    floor = np.quantile(positive, 0.01) if positive.size else 1.0
    sd: np.ndarray = np.sqrt(np.maximum(variance, floor))
    return sd


def _correlation(residual: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Correlate the weighted part of a residual with itself, all channels together."""
    centred = weight * (residual - np.average(residual, weights=weight))
    products, pairs = (_lagged(values) for values in (centred, weight))
    covariance = products / np.maximum(pairs, 1)
    correlation: np.ndarray = covariance / covariance[REACH, REACH]
    return correlation


def _lagged(values: np.ndarray) -> np.ndarray:
    """Sum the products of values at each offset of at most ``REACH``."""
    height, width, _ = values.shape
    shape = (height + REACH, width + REACH)
    power = np.square(np.abs(fft.rfft2(values, s=shape, axes=(0, 1)))).sum(axis=2)
    lagged = np.roll(fft.irfft2(power, s=shape), (REACH, REACH), axis=(0, 1))
    sums: np.ndarray = lagged[: 2 * REACH + 1, : 2 * REACH + 1]
    return sums
