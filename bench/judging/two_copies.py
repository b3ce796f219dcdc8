"""Judge by a second noisy copy of the scene: the noise may be of any kind, known or not.

The copies may differ in brightness, so that one is first put on the scale of the other.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from bench.errors import InputError

INNER, OUTER = 3, 6
"""Radii of the ring of neighbours, in pixels: noise farther apart than the first is taken as independent."""
LEAST_CORRELATION = 0.1


def two_copy_error(denoised: np.ndarray, noisy: np.ndarray, copy: np.ndarray) -> np.ndarray:
    """Estimate the squared error (f(y) - x)^2 by (f(y) - y')^2 - (y' - z) (y' - y).

    y' is independent of f(y), so that its variance alone is too much in (f(y) - y')^2. The second term has
    that variance as its mean, however strong the noise of y is: z is a mean of neighbours that are too far
    away to share their noise, and any other z would do, but leave a larger spread.

    Args:
        denoised: f(y), (H, W, C), intensities.
        noisy: y, of the same shape.
        copy: y', a second copy on the scale of y, of the same shape; see ``on_scale_of``.

    Returns:
        The estimate for each value, of the same shape.
    """
    around = surround((noisy + copy) / 2)
    risk: np.ndarray = (denoised - copy) ** 2 - (copy - around) * (copy - noisy)
    return risk


def on_scale_of(noisy: np.ndarray, copy: np.ndarray) -> np.ndarray:
    """Fit gain and offset of a second copy to the first, (H, W, C), for all channels together.

    Least squares between two noisy images would find too small a gain. The ring of neighbours serves as an
    instrument: its noise is independent of both, so that the ratio of its covariances with both is the gain.

    Raises:
        InputError: the two have different shapes, or no common structure.
    """
    if noisy.shape != copy.shape:
        raise InputError(f"the two copies of a scene have different shapes: {noisy.shape} and {copy.shape}")
    around = surround(noisy) / max(noisy.std(), 1e-12) + surround(copy) / max(copy.std(), 1e-12)
    correlations = [np.corrcoef(around.ravel(), image.ravel())[0, 1] for image in (noisy, copy)]
    if not min(correlations) > LEAST_CORRELATION:
        raise InputError(
            f"the gain between two copies cannot be fitted: their correlation with their surroundings is "
            f"{min(correlations):.2f}, and {LEAST_CORRELATION} is the least"
        )
    centred = around - around.mean()
    gain = (centred * noisy).mean() / (centred * copy).mean()
    matched: np.ndarray = noisy.mean() + gain * (copy - copy.mean())
    return matched


def surround(image: np.ndarray) -> np.ndarray:
    """Average each channel over the square ring of neighbours, (H, W, C)."""
    ring = np.ones((2 * OUTER + 1, 2 * OUTER + 1))
    ring[OUTER - INNER : OUTER + INNER + 1, OUTER - INNER : OUTER + INNER + 1] = 0
    around: np.ndarray = ndimage.correlate(image, ring[..., None] / ring.sum(), mode="reflect")
    return around
