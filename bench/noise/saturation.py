"""Find the parts of an image that a sensor or a file clipped, which show no noise, or too little."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from bench.noise.photons import FEW_LEVELS

PILE_UP = 4
LEAST_SHARE = 1e-3
SPREAD = 4.0
FAR_FROM_CLIPPED = 0.02
TOLERABLE = 0.25
"""Shares of clipped pixels around a pixel; up to the second, medians of noise hardly change."""

LEAST_PART = 0.05


def clipped(values: np.ndarray) -> np.ndarray:
    """Return a mask of the clipped pixels: values pile up at an end of the range, (H, W, C).

    At a clipped end one value is several times as frequent as any of the three next to it.

    Args:
        values: (H, W, C), intensities of a file.
    """
    levels, counts = np.unique(values, return_counts=True)
    mask = np.zeros(values.shape, dtype=bool)
    if len(levels) < FEW_LEVELS:  # many zeros are no clipping then
        return mask
    for end, at_end, beside in ((levels[0], counts[0], counts[1:4]), (levels[-1], counts[-1], counts[-4:-1])):
        if at_end > PILE_UP * beside.max() and at_end > LEAST_SHARE * values.size:
            mask |= values == end
    return mask


def unclipped_part(mask: np.ndarray) -> np.ndarray:
    """Return the pixels around which hardly any is clipped, so that clipping does not weaken their noise.

    Where strong noise is clipped nearly everywhere, they are those of ``tolerable_part``.

    Args:
        mask: of the clipped pixels, (H, W, C).
    """
    share = _share_around(mask)
    part: np.ndarray = share <= FAR_FROM_CLIPPED
    return part if part.mean() >= LEAST_PART else share <= TOLERABLE


def tolerable_part(mask: np.ndarray) -> np.ndarray:
    """Return the pixels around which most are not clipped, for a mask of the clipped ones, (H, W, C)."""
    part: np.ndarray = _share_around(mask) <= TOLERABLE
    return part


def _share_around(mask: np.ndarray) -> np.ndarray:
    share: np.ndarray = gaussian_filter(mask.astype(np.float32), (SPREAD, SPREAD, 0))
    return share
