"""Wavelet shrinkage (BayesShrink; Chang et al., IEEE TIP 2000): soft thresholds; nothing is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skimage.restoration import denoise_wavelet

from bench.homogenise import Homogenised

if TYPE_CHECKING:
    import numpy as np

# Chosen on the photographs of bsd400-held, where longer wavelets gain less than .05 dB.
WAVELET, LENGTH, LEVELS = "sym4", 8, 4


@dataclass(frozen=True)
class Wavelet(Homogenised):
    """Soft threshold sd^2 / sd_x for each subband, where sd_x^2 is its mean square minus sd^2.

    This is scikit-image's BayesShrink. Its alternative VisuShrink has one threshold for all subbands, and
    according to scikit-image's documentation its images are overly smooth.
    """

    packages = ("pywavelets",)
    smallest_side = (LENGTH - 1) * 2**LEVELS

    def rule(self, image: np.ndarray, sd: float) -> np.ndarray:
        """Shrink the wavelet coefficients of each channel."""
        shrunk: np.ndarray = denoise_wavelet(
            image, sigma=sd, wavelet=WAVELET, wavelet_levels=LEVELS, channel_axis=-1
        )
        return shrunk
