"""Small images, generated and keyed, so that every run of the tests sees the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Function = Callable[[Tensor], Tensor]

from scipy.ndimage import gaussian_filter


def photograph(height: int, width: int, channels: int, *, seed: int) -> np.ndarray:
    """Make a smooth random image with edges, uint8, (H, W) or (H, W, 3)."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.standard_normal((height, width, channels)), sigma=(6, 6, 0))
    relief = smooth / smooth.std() + (smooth > 0)
    scaled = (relief - relief.min()) / (relief.max() - relief.min())
    return np.rint(20 + 220 * scaled).astype(np.uint8).squeeze()
