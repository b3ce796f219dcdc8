"""Paired differences of two methods, image by image, with significance tests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from bench.analysis.intervals import DECIMALS, bootstrap_interval
from bench.analysis.score_grid import grid_of
from bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@dataclass(frozen=True)
class Difference:
    """How far the mean PSNR of one method is above that of another on the same images, in dB.

    ``low`` and ``high`` are the ends of the 95 % interval; ``p`` is two-sided and not corrected for other
    comparisons. All three are NaN for a single image.
    """

    mean: float
    low: float
    high: float
    p: float
    images: int
    seeds: int


def difference_of(scores: pd.DataFrame, other: pd.DataFrame) -> Difference:
    """Compare two methods image by image, each averaged over the seeds that both have.

    The interval is the bias-corrected and accelerated bootstrap over images (Efron 1987, "Better bootstrap
    confidence intervals"), the test Wilcoxon's signed ranks (1945). Both generalise to other images
    for these training runs; ``seed_scatter`` says what other training runs would change. Bootstrap intervals
    of few images are too narrow: for 12 normal differences they cover the true mean in 90 % of cases, for 68
    in 94 %.

    Args:
        scores: as for ``mean_of``.
        other: the method to subtract, of the same noise and test set.

    Returns:
        The difference; it does not depend on the order of the lines.

    Raises:
        InputError: as raised by ``mean_of``, or the two have different images or no seed in common.
    """
    ours, theirs = grid_of(scores, of="scores"), grid_of(other, of="other scores")
    alone = ours.index.symmetric_difference(theirs.index)
    if len(alone):
        raise InputError(f"only one of the two methods has scores of image {alone[0]!r}")
    seeds = ours.columns.intersection(theirs.columns)
    if seeds.empty:
        raise InputError(
            f"the two methods have no seed in common: {', '.join(map(str, ours.columns))} "
            f"and {', '.join(map(str, theirs.columns))}"
        )
    differences = (ours[seeds] - theirs[seeds]).mean(axis=1).round(DECIMALS).to_numpy()
    mean = float(differences.mean())
    if len(differences) == 1:
        return Difference(mean, math.nan, math.nan, math.nan, images=1, seeds=len(seeds))
    low, high = bootstrap_interval(differences, method="BCa") if np.ptp(differences) else (mean, mean)
    p = stats.wilcoxon(differences).pvalue if differences.any() else 1.0
    return Difference(mean, float(low), float(high), float(p), images=len(differences), seeds=len(seeds))


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for multiple comparisons.

    Holm (1979), "A simple sequentially rejective multiple test procedure": the chance that any true
    hypothesis is rejected stays below the level.

    Args:
        p: p-values in any order; NaN marks a test that was not made, and does not count.

    Returns:
        The adjusted p-values, in the same order.
    """
    raw = np.asarray(p, dtype=float)
    order = np.argsort(raw)  # NaN comes last
    left = np.count_nonzero(~np.isnan(raw)) - np.arange(raw.size)
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(np.maximum.accumulate(raw[order] * left), 1)
    return [float(value) for value in adjusted]
