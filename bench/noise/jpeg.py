"""Recognise images that were saved as JPEG: the cosine coefficients of their blocks lie on a lattice."""

from __future__ import annotations

import numpy as np
from scipy.fft import dctn

BLOCK = 8
STEPS = range(3, 61)
"""Steps of JPEG's quantisation that are tried, in 8-bit values; finer steps are lost in the rounding."""

LEAST_BLOCKS = 64
USED = 0.2
"""Share of the blocks in which a coefficient must be beyond half a step, or every step would fit it."""

COEFFICIENTS = 16
ON_LATTICE = 0.8
LUMINANCE = (0.299, 0.587, 0.114)


def was_jpeg(noisy: np.ndarray) -> bool:
    """Check whether an image was saved as JPEG, whatever its format now.

    The cosine of 2 pi c / q is 1 for coefficients c that are multiples of the step q, but for the rounding to
    8 bits, and has mean 0 for others. Images that were shifted or resized afterwards are not recognised.

    Args:
        noisy: (H, W, C), intensities of an image of 8 bits, white being 1.
    """
    values = noisy.astype(np.float64) * 255
    light = values @ LUMINANCE if values.shape[2] == len(LUMINANCE) else values[..., 0]
    height, width = (side // BLOCK * BLOCK for side in light.shape)
    grid = light[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    blocks = grid.swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)
    blocks = blocks[(blocks.min((1, 2)) > 0) & (blocks.max((1, 2)) < 255)]  # clipping leaves the lattice
    if len(blocks) < LEAST_BLOCKS:
        return False
    coefficients = dctn(blocks, axes=(1, 2), norm="ortho").reshape(len(blocks), -1)[:, 1:]
    fits = np.max([_on_lattice(coefficients, step) for step in STEPS], axis=0)
    return bool(np.median(np.sort(fits)[-COEFFICIENTS:]) > ON_LATTICE)


def _on_lattice(coefficients: np.ndarray, step: int) -> np.ndarray:
    used = (np.abs(coefficients) > step / 2).mean(axis=0) > USED
    fit: np.ndarray = np.cos(2 * np.pi / step * coefficients).mean(axis=0)
    return np.where(used, fit, 0)
