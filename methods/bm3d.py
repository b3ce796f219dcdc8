"""BM3D (Dabov et al., IEEE TIP 2007): filter stacks of similar blocks together; nothing is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import InputError
from bench.homogenise import Homogenised

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Bm3d(Homogenised):
    """Hard thresholding of stacked blocks, then Wiener filtering by the result.

    This is the authors' package with its standard profile, which is for non-commercial use only. Blocks of a
    colour image are matched by its lightness, as in CBM3D.
    """

    packages = ("bm3d", "bm4d")
    smallest_side = 16  # the package crashes on images of few blocks of 8x8; these have more than it stacks

    def rule(self, image: np.ndarray, sd: float) -> np.ndarray:
        """Filter with the package.

        Raises:
            InputError: it is not installed, or does not run on this platform.
        """
        try:
            from bm3d import BM3DProfile, bm3d
        except (ImportError, OSError) as error:
            raise InputError(
                f"bm3d needs the authors' package, free for non-commercial use: pip install bm3d ({error})"
            ) from error
        profile = BM3DProfile()
        profile.num_threads = 1  # several would add numbers in a different order each time
        filtered: np.ndarray = bm3d(image, sd, profile)
        return filtered
