"""Check whether the images of a set are clean, or visibly noisy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from bench.noise.level import MEDIAN_TO_SD, MIN_SIDE_FOR_LEVEL, flattest, inside, noise_sd
from bench.noise.saturation import clipped, unclipped_part
from bench.noise.windows import windows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

# Medians over the images of the sets that are registered here are below 1.5 and 3.2 255ths.
VISIBLE = 3.2 / 255
VISIBLE_BLOBS = 4 / 255
BLOB = 2.0


def visible_noise(images: Iterable[np.ndarray]) -> float | None:
    """Return the standard deviation of the noise in supposedly clean images, if it can be seen.

    In the flat parts of an image, all that is finer than a blob of two pixels is measured, and what is finer
    than three pixels, as white noise is; correlated noise is coarser. The medians over the images count.

    Args:
        images: (H, W, C) each, intensities in [0, 1]; those of fewer than 16 rows or columns do not count.
    """
    measured = [
        _fine_and_coarse(windows_of(image).astype(np.float64))
        for image in images
        if min(image.shape[:2]) >= MIN_SIDE_FOR_LEVEL
    ]
    if not measured:
        return None
    fine, coarse = np.median(measured, axis=0)
    return float(max(fine, coarse)) if fine > VISIBLE or coarse > VISIBLE_BLOBS else None


def _fine_and_coarse(values: np.ndarray) -> tuple[float, float]:
    part = unclipped_part(clipped(values)) & inside(values)
    if not part.any():
        return 0.0, 0.0
    flat = flattest(values, where=part)
    blobs = values - gaussian_filter(values, (BLOB, BLOB, 0))
    return noise_sd(values, where=flat), float(np.median(np.abs(blobs[flat])) * MEDIAN_TO_SD)
