"""Windows of a large image that together represent it, so that measuring its noise takes little memory."""

from __future__ import annotations

import numpy as np

SIDE = 512
ACROSS = 4
GRID = 8
"""Windows start at multiples of it, the side of a JPEG block, so that blocks stay whole."""


def windows_of(image: np.ndarray) -> np.ndarray:
    """Return an image, or 4x4 windows evenly spread over a larger one, side by side.

    Args:
        image: (H, W, C).

    Returns:
        At most (2048, 2048, C). Edges between windows are few, and are never flat parts.
    """
    rows, columns = (_positions(side) for side in image.shape[:2])
    return image[rows][:, columns] if len(rows) * len(columns) < image.shape[0] * image.shape[1] else image


def _positions(side: int) -> np.ndarray:
    if side <= ACROSS * SIDE:
        return np.arange(side)
    starts = np.linspace(0, side - SIDE, ACROSS).astype(int) // GRID * GRID
    return (starts[:, None] + np.arange(SIDE)).ravel()
