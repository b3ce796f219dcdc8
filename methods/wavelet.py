"""Wavelet shrinkage (BayesShrink; Chang et al., IEEE TIP 2000): soft thresholds; nothing is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skimage.restoration import denoise_wavelet

from bench.homogenise import Homogenised

if TYPE_CHECKING:
    import numpy as np

# Chosen on photographs of bsd400-held; longer wavelets gain less than .05 dB there.
WAVELET, LENGTH, LEVELS = "sym4", 8, 4


@dataclass(frozen=True)
class Wavelet(Homogenised):
    """The threshold of a subband is sd^2 / sd_x, with sd_x^2 its variance less that of the noise.

    BayesShrink by scikit-image, whose documentation finds the images of VisuShrink overly smooth.
    """

    packages = ("pywavelets",)
    smallest_side = (LENGTH - 1) * 2**LEVELS

    def rule(self, image: np.ndarray, sd: float) -> np.ndarray:
        """Shrink the coefficients of each channel."""
        shrunk: np.ndarray = denoise_wavelet(
            image, sigma=sd, wavelet=WAVELET, wavelet_levels=LEVELS, channel_axis=-1
        )
        return shrunk
