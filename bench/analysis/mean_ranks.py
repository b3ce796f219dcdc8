"""Ranks of methods, averaged over images."""

from __future__ import annotations

import math

import pandas as pd
from scipy import stats

from bench.analysis.intervals import DECIMALS, bootstrap_interval
from bench.analysis.score_grid import first_gap, grid_of
from bench.errors import InputError


def mean_ranks(scores: pd.DataFrame) -> pd.DataFrame:
    """Rank methods by PSNR on each image, and average their ranks.

    Args:
        scores: one line per method, image and seed of one noise and test set, with the columns ``method``,
            ``image``, ``seed`` and ``psnr`` (dB). The mean over seeds is ranked; ties share their mean rank.

    Returns:
        One row per method, best first: ``method``, ``rank`` (1 for the highest PSNR on every image), the ends
        ``low`` and ``high`` of its 95 % percentile bootstrap interval over images (NaN for one image), and
        the number of ``images``.

    Raises:
        InputError: as raised by ``mean_of`` for any method, or a method lacks an image that another has.
    """
    if scores.empty:
        raise InputError("there are no scores to rank")
    psnr = pd.DataFrame(
        {method: grid_of(lines, of=str(method)).mean(axis=1) for method, lines in scores.groupby("method")}
    )
    if gap := first_gap(psnr):
        image, method = gap
        raise InputError(f"{method}: no scores of image {image!r}, which another method has")
    ranks = stats.rankdata(-psnr.round(DECIMALS), axis=1).T
    low, high = bootstrap_interval(ranks, method="percentile") if len(psnr) > 1 else (math.nan, math.nan)
    table = pd.DataFrame({"method": psnr.columns, "rank": ranks.mean(axis=1), "low": low, "high": high})
    return table.assign(images=len(psnr)).sort_values(["rank", "method"], ignore_index=True)
