"""Non-local means (Buades et al., CVPR 2005): average pixels with similar patches; nothing is learned."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.ndimage import uniform_filter

from bench.homogenise import Homogenised

PATCH, DISTANCE = 5, 6
CUT_OFF = 0.75  # the best of .65 to .85 on photographs of bsd400-held, in the mean over the noise models


@dataclass(frozen=True)
class Nlm(Homogenised):
    """Weights exp(-max(d^2 - 2 sd^2, 0) / h^2), d^2 the mean squared difference of two patches, h = .75 sd.

    A pixel is averaged with those at most 6 rows and columns away, by the patches of 5x5 pixels around them,
    which hold all channels. Beyond its border the image is mirrored. scikit-image's fast mode is not used,
    because it leaves out the first row and column of each patch.
    """

    def rule(self, image: np.ndarray, sd: float) -> np.ndarray:
        """Average the centres of similar patches."""
        rim = PATCH // 2
        padded = np.pad(image, ((DISTANCE + rim,) * 2, (DISTANCE + rim,) * 2, (0, 0)), mode="symmetric")
        height, width = image.shape[0] + 2 * rim, image.shape[1] + 2 * rim
        here = padded[DISTANCE:-DISTANCE, DISTANCE:-DISTANCE]
        total, weights = np.zeros_like(image), np.zeros_like(image[..., :1])
        for row, column in product(range(2 * DISTANCE + 1), repeat=2):
            there = padded[row : row + height, column : column + width]
            distance = uniform_filter(np.square(here - there).mean(axis=2, keepdims=True), (PATCH, PATCH, 1))
            weight = np.exp(-np.maximum(distance - 2 * sd**2, 0) / (CUT_OFF * sd) ** 2)
            total += (weight * there)[rim:-rim, rim:-rim]
            weights += weight[rim:-rim, rim:-rim]
        averaged: np.ndarray = total / weights
        return averaged
