"""Small images, generated and keyed, so that every run of the tests sees the same."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage import data

THREE_IMAGES = np.random.default_rng(0).integers(0, 256, (3, 14, 17, 3), dtype=np.uint8)
"""Three small random colour images, (3, 14, 17, 3)."""


def photograph(height: int, width: int, channels: int, *, seed: int) -> np.ndarray:
    """Make a smooth random image with edges, uint8, (H, W) or (H, W, 3)."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.standard_normal((height, width, channels)), sigma=(6, 6, 0))
    relief = smooth / smooth.std() + (smooth > 0)
    scaled = (relief - relief.min()) / (relief.max() - relief.min())
    return np.rint(20 + 220 * scaled).astype(np.uint8).squeeze()


def camera() -> np.ndarray:
    """Return scikit-image's grey photograph of a cameraman, (512, 512, 1) intensities."""
    return data.camera()[..., None].astype(np.float64) / 255


def as_file(noisy: np.ndarray) -> np.ndarray:
    """Clip and round intensities as a file of 8 bits does."""
    return np.rint(255 * noisy.clip(0, 1)) / 255
