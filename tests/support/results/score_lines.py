"""Scores of one cell from grids of images and seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike


def lines(psnr: ArrayLike, *, seeds: Sequence[int] | None = None, **columns: Any) -> pd.DataFrame:
    """Write PSNRs, (images, seeds) in dB, one per line, in columns as of a store."""
    psnr = np.asarray(psnr, dtype=float)
    image, seed = np.indices(psnr.shape).reshape(2, -1)
    seed = seed if seeds is None else np.asarray(seeds)[seed]
    names = [f"{number:02}.png" for number in image]
    return pd.DataFrame({"image": names, "seed": seed, "psnr": psnr.ravel()} | columns)


def cell_lines(
    psnr: ArrayLike,
    *,
    noise: str = "gaussian",
    parameter: float = 25.0,
    images: str = "set12",
    method: str = "sure",
    **columns: Any,
) -> pd.DataFrame:
    """Write PSNRs of a cell, as ``lines`` does."""
    return lines(psnr, noise=noise, parameter=parameter, images=images, method=method, **columns)


def ranked_lines(**methods: ArrayLike) -> pd.DataFrame:
    """Write PSNRs of several methods, as ``lines`` does."""
    return pd.concat([lines(psnr, method=method) for method, psnr in methods.items()])


def normal(
    images: int,
    seeds: int = 1,
    *,
    of_image: float = 2.0,
    of_seed: float = 0.05,
    rest: float = 0.05,
    rng: int | np.random.Generator = 0,
) -> np.ndarray:
    """Draw (images, seeds) about 30 dB, with the standard deviations of three normal effects."""
    rng = np.random.default_rng(rng)
    a, b = of_image * rng.normal(size=(images, 1)), of_seed * rng.normal(size=(1, seeds))
    return 30 + a + b + rest * rng.normal(size=(images, seeds))


def shuffled(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the same scores in another order."""
    return scores.sample(frac=1, random_state=1)
