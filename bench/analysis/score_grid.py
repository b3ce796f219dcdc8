"""Arrange scores as a grid of images and seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def grid_of(scores: pd.DataFrame, *, of: str, metric: str = "psnr") -> pd.DataFrame:
    """Arrange scores by image (rows) and seed (columns).

    Args:
        scores: one line per image and seed, with the columns ``image``, ``seed`` and that of the metric.
        of: what the scores belong to, for messages.
        metric: of the scores: psnr (dB), ssim or lpips.

    Raises:
        InputError: there are no scores, or an image has no score or several for a seed.
    """
    if scores.empty:
        raise InputError(f"{of}: there are none")
    twice = scores[scores.duplicated(["image", "seed"])]
    if len(twice):
        image, seed = twice[["image", "seed"]].iloc[0]
        raise InputError(f"{of}: more than one {metric} of image {image!r} for seed {seed}")
    grid = scores.pivot_table(index="image", columns="seed", values=metric, dropna=False)
    if gap := first_gap(grid):
        image, seed = gap
        raise InputError(f"{of}: no finite {metric} of image {image!r} for seed {seed}")
    return grid


def first_gap(table: pd.DataFrame) -> tuple[Any, Any] | None:
    """Return the row and column of the first entry that is not finite; None if all are finite."""
    rows, columns = np.nonzero(~np.isfinite(table.to_numpy()))
    return (table.index[rows[0]], table.columns[columns[0]]) if len(rows) else None
