"""The rule of bold numbers: which methods of a table row are not worse than the best."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bench.analysis.columns import CellKey
from bench.analysis.intervals import DECIMALS
from bench.analysis.sign_flips import ALPHA, sign_flip_p
from bench.analysis.supervision import self_supervised

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from bench.analysis.columns import Condition

PRINTED_DIGITS = {"psnr": 2, "ssim": 3, "lpips": 3}
"""Number of decimals with which each metric is printed."""
CELL_OF_SET = ["noise", "parameter", "method"]


class Rivalry(NamedTuple):
    """The competition of self-supervised methods in one metric.

    Attributes:
        not_worse: the cells that are not shown to be worse than the best of their row.
        p: two-sided p of the difference of each other rival to the best of its row, corrected; NaN where they
            have no seed in common, or a single image.
    """

    not_worse: set[CellKey]
    p: dict[CellKey, float]


def rivalry(scores: pd.DataFrame, metric: str = "psnr") -> Rivalry:
    """Find the methods that are not worse than the best of their row.

    Self-supervised methods that were trained compete. One is worse if the method with the best mean is
    better by the paired test, image by image over the seeds that both have. The best is chosen by the same
    scores, and may be any rival: p is corrected for all of them, in all rows of the test set (Bonferroni), so
    that in 95 % of cases the methods that are truly best are among those found in every row (Gupta 1965, "On
    some multiple decision rules"; Hsu 1996, "Multiple Comparisons", chapter 4).

    Args:
        scores: one line per run and test image of one setup; runs must be comparable.
        metric: of the scores; lower is better for LPIPS, higher for the others. A cell that lacks it on an
            image does not compete.
    """
    found = Rivalry(set(), {})
    for images, lines in scores[scores["sees"].map(self_supervised)].groupby("images"):
        grids = _grids(lines, str(images), metric)
        p = _p_to_best(grids)
        found.p.update(p)
        found.not_worse.update(cell for cell in grids if not p.get(cell, math.nan) < ALPHA)
    return found


def _grids(lines: pd.DataFrame, images: str, metric: str) -> dict[CellKey, pd.DataFrame]:
    """Arrange the scores of each cell by image and seed, larger for the better."""
    index = ["image", *CELL_OF_SET, "seed"]
    # Unlike a pivot table, this has no columns of runs that do not exist.
    wide = lines.set_index(index)[metric].astype(float).unstack(index[1:])  # noqa: PD010
    sign = -1 if metric == "lpips" else 1
    grids = {}
    cells: Any = wide.T.groupby(level=CELL_OF_SET)
    for (noise, parameter, method), runs in cells:
        if np.isfinite(runs.to_numpy()).all():
            grids[CellKey(noise, parameter, images, method)] = sign * runs.droplevel(CELL_OF_SET).T
    return grids


def _p_to_best(grids: Mapping[CellKey, pd.DataFrame]) -> dict[CellKey, float]:
    best: dict[Condition, CellKey] = {}
    for cell in sorted(grids, key=lambda cell: float(grids[cell].to_numpy().mean())):
        best[cell.condition] = cell
    rivals = [cell for cell in grids if cell != best[cell.condition]]
    apart = {cell: _lead(grids[best[cell.condition]], grids[cell]) for cell in rivals}
    p = dict.fromkeys(rivals, math.nan)
    tested = {cell: lead for cell, lead in apart.items() if lead.size > 1}
    if tested:
        found = sign_flip_p(np.column_stack(list(tested.values())))
        p |= {cell: min(1.0, float(one) * len(rivals)) for cell, one in zip(tested, found, strict=True)}
    return p


def _lead(best: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """Subtract by image, over the seeds that both have; empty if there are none."""
    seeds = best.columns.intersection(other.columns)
    if seeds.empty:
        return np.array([])
    return (best[seeds] - other[seeds]).mean(axis=1).round(DECIMALS).to_numpy()
