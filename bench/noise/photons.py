"""Noise in images of few photons, where the usual estimates, which are medians, fall between two counts."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate

from bench.errors import InputError
from bench.noise import Poisson
from bench.noise.level import LAPLACIAN, blurred, flattest, inside

FEW_LEVELS = 32
"""An image with fewer values holds counts of few photons."""

FEW_COUNTS = 5.0
"""Mean count below which Anscombe's root does not make Poisson noise uniform."""


def has_few_levels(values: np.ndarray) -> bool:
    """Check whether an image holds so few different values that medians of its noise are coarse."""
    return len(np.unique(values)) < FEW_LEVELS


def photon_sd(values: np.ndarray, *, where: np.ndarray) -> float:
    """Measure the standard deviation of the noise in a flat part, both (H, W, C), by its mean square."""
    detail = correlate(values, LAPLACIAN[..., None], mode="nearest")
    return float(np.sqrt(np.mean(np.square(detail[where]))))


def estimate_zeta(noisy: np.ndarray, *, where: np.ndarray) -> Poisson:
    """Estimate zeta of Poisson noise as the variance of the noise over the mean, both in flat parts.

    Unlike the estimate by Anscombe's root it is correct at any number of photons, even if most pixels are 0.

    Args:
        noisy: y, (H, W, C), intensities.
        where: the pixels that count, (H, W, C), boolean.

    Raises:
        InputError: there is no noise.
    """
    values = noisy.astype(np.float64)
    part = where & inside(values)
    flat = flattest(np.sqrt(blurred(values).clip(min=0)), where=part)
    variance, mean = photon_sd(values, where=flat) ** 2, values[flat].mean()
    if not (variance > 0 and mean > 0):
        raise InputError("no poisson noise is found: the flat parts of the image are constant")
    return Poisson(variance / mean)
