"""Means with intervals, paired differences, ranks: what the scores of images and training seeds bear out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from bench.analysis.columns import CELL
from bench.analysis.grouping import by_cell
from bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.95
DECIMALS = 9
"""Of a dB; what is nearer differs by the order of float64 sums alone."""


@dataclass(frozen=True)
class Mean:
    """The mean PSNR of one cell, in dB, with the half-width of its 95 % interval.

    ``half_width`` is NaN where one image and one seed allow none.
    """

    value: float
    half_width: float
    images: int
    seeds: int


@dataclass(frozen=True)
class Difference:
    """How far the mean PSNR of one method lies above that of another on the same images, in dB.

    ``low`` and ``high`` end the 95 % interval; ``p`` is two-sided and not corrected for other comparisons.
    All three are NaN for one image.
    """

    mean: float
    low: float
    high: float
    p: float
    images: int
    seeds: int


@dataclass(frozen=True)
class Scatter:
    """Standard deviation of a set's mean PSNR from one training to another, in dB."""

    sd: float
    degrees: int

    def retraining(self, numbers: int = 1) -> float:
        """Say how far apart two trainings may lie, dB.

        It is the half-width of Student's interval of their difference, of such a level that in 95 % of cases
        *all* of ``numbers`` differences lie within theirs, however they depend on each other (Bonferroni).
        """
        return _quantile(self.degrees, numbers) * self.sd * math.sqrt(2)


def mean_of(scores: pd.DataFrame) -> Mean:
    """Average one cell over its images and seeds.

    The interval is for the mean over all images like these and all trainings. With one seed, or one image,
    it is Student's over what varies, and speaks of that seed or image alone. Otherwise images and seeds are
    crossed random effects, psnr = mu + image + seed + rest, with the estimates of their variances from the
    analysis of variance, none below zero, and the degrees of freedom of Satterthwaite (1946), "An approximate
    distribution of estimates of variance components"; see Searle, Casella & McCulloch (1992), "Variance
    Components". The noise of training and of the test images is drawn anew for each seed: what it does to
    all images alike is part of ``seed``, what it does to each by itself part of ``rest``.

    For normal scores the interval holds the truth in 95 % of cases where images scatter the mean most, and in
    up to 99 % where the rest does. Where seeds do, few of them often fail to show it: two hold the truth in
    as little as 87 % of cases, three in 92 %.

    Args:
        scores: one line per image and seed of one method, noise and test set, with the columns ``image``,
            ``seed`` and ``psnr`` (dB).

    Raises:
        InputError: there are no scores, or an image has none or more than one for a seed.
    """
    psnr = _grid(scores, of="scores").to_numpy()
    images, seeds = psnr.shape
    return Mean(float(psnr.mean()), _half_width(psnr), images, seeds)


def difference_of(scores: pd.DataFrame, other: pd.DataFrame) -> Difference:
    """Compare two methods image by image, each averaged over the seeds that both have.

    The interval is the bias-corrected and accelerated bootstrap over images (Efron 1987, "Better bootstrap
    confidence intervals"), the test Wilcoxon's signed ranks (1945). Both speak of other images for these
    trainings; ``seed_scatter`` says what other trainings would change. Bootstrap intervals of few images are
    too narrow: those of 12 normal differences hold the truth in 90 % of cases, those of 68 in 94 %.

    Args:
        scores: as for ``mean_of``.
        other: the method to subtract, of the same noise and test set.

    Returns:
        The same for the same scores, in whatever order their lines are.

    Raises:
        InputError: as by ``mean_of``, or the two have different images or no seed in common.
    """
    ours, theirs = _grid(scores, of="scores"), _grid(other, of="other scores")
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
    low, high = _bootstrap(differences, method="BCa") if np.ptp(differences) else (mean, mean)
    p = stats.wilcoxon(differences).pvalue if differences.any() else 1.0
    return Difference(mean, float(low), float(high), float(p), images=len(differences), seeds=len(seeds))


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for their number.

    Holm (1979), "A simple sequentially rejective multiple test procedure": the chance that any true
    hypothesis is rejected stays below the level.

    Args:
        p: in any order; NaN stands for a test that was not made, and does not count.

    Returns:
        The adjusted p-values, in the same order.
    """
    raw = np.asarray(p, dtype=float)
    order = np.argsort(raw)  # NaN comes last
    left = np.count_nonzero(~np.isnan(raw)) - np.arange(raw.size)
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(np.maximum.accumulate(raw[order] * left), 1)
    return [float(value) for value in adjusted]


def mean_ranks(scores: pd.DataFrame) -> pd.DataFrame:
    """Rank methods by PSNR on each image, and average their ranks.

    Args:
        scores: one line per method, image and seed of one noise and test set, with the columns ``method``,
            ``image``, ``seed`` and ``psnr`` (dB). What is ranked is the mean over seeds; equals share their
            mean rank.

    Returns:
        One row per method, best first: ``method``, ``rank`` (1 for the highest PSNR on every image), the ends
        ``low`` and ``high`` of its 95 % percentile bootstrap interval over images (NaN for one image), and
        the number of ``images``.

    Raises:
        InputError: as by ``mean_of`` for any method, or one lacks an image of another.
    """
    if scores.empty:
        raise InputError("there are no scores to rank")
    psnr = pd.DataFrame(
        {method: _grid(lines, of=str(method)).mean(axis=1) for method, lines in scores.groupby("method")}
    )
    if gap := _first_gap(psnr):
        image, method = gap
        raise InputError(f"{method}: no scores of image {image!r}, which another method has")
    ranks = stats.rankdata(-psnr.round(DECIMALS), axis=1).T
    low, high = _bootstrap(ranks, method="percentile") if len(psnr) > 1 else (math.nan, math.nan)
    table = pd.DataFrame({"method": psnr.columns, "rank": ranks.mean(axis=1), "low": low, "high": high})
    return table.assign(images=len(psnr)).sort_values(["rank", "method"], ignore_index=True)


def seed_scatter(scores: pd.DataFrame) -> Scatter:
    """Pool how far the mean PSNR of a cell moves from one training seed to another.

    The noise of training and of the test images moves with the seed, and counts. Cells of one training on
    several test sets move together, so that ``degrees`` is then more than they are worth.

    Args:
        scores: one line per image and seed of any number of cells of one protocol, with the columns of
            ``CELL``, ``image``, ``seed`` and ``psnr`` (dB). Cells of one seed do not count.

    Raises:
        InputError: as by ``mean_of`` for any cell, or none has two seeds.
    """
    cells = [
        _grid(lines, of=f"{cell.method} on {cell.condition}").mean().to_numpy()
        for cell, lines in by_cell(scores).items()
    ]
    scatter = pooled(cells)
    if scatter is None:
        raise InputError(f"none of {len(cells)} cells has two seeds, so none shows the scatter of trainings")
    return scatter


def pooled(groups: Sequence[np.ndarray]) -> Scatter | None:
    """Pool how far the mean PSNRs of trainings lie from the mean of their group.

    Args:
        groups: of at least one training each, (trainings,), dB; their means may be unlike.

    Returns:
        None where no group has two trainings.
    """
    degrees = sum(group.size - 1 for group in groups)
    if not degrees:
        return None
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    return Scatter(math.sqrt(squares / degrees), degrees)


def shows_scatter(scores: pd.DataFrame) -> bool:
    """Tell whether any cell has two seeds, so that ``seed_scatter`` can be asked."""
    return bool(scores[[*CELL, "seed"]].drop_duplicates().duplicated(CELL).any())


def _grid(scores: pd.DataFrame, *, of: str) -> pd.DataFrame:
    if scores.empty:
        raise InputError(f"{of}: there are none")
    twice = scores[scores.duplicated(["image", "seed"])]
    if len(twice):
        image, seed = twice[["image", "seed"]].iloc[0]
        raise InputError(f"{of}: more than one psnr of image {image!r} for seed {seed}")
    grid = scores.pivot_table(index="image", columns="seed", values="psnr", dropna=False)
    if gap := _first_gap(grid):
        image, seed = gap
        raise InputError(f"{of}: no finite psnr of image {image!r} for seed {seed}")
    return grid


def _first_gap(table: pd.DataFrame) -> tuple[Any, Any] | None:
    rows, columns = np.nonzero(~np.isfinite(table.to_numpy()))
    return (table.index[rows[0]], table.columns[columns[0]]) if len(rows) else None


def _quantile(degrees: float, intervals: int = 1) -> float:
    return float(stats.t.ppf(1 - (1 - LEVEL) / 2 / intervals, degrees))


def _half_width(psnr: np.ndarray) -> float:
    if psnr.size == 1:
        return math.nan
    if min(psnr.shape) == 1:
        square, degrees = float(psnr.var(ddof=1)), float(psnr.size - 1)
    else:
        square, degrees = _crossed(psnr)
    return _quantile(degrees) * math.sqrt(square / psnr.size)


def _crossed(psnr: np.ndarray) -> tuple[float, float]:
    """Estimate psnr.size times the variance of the mean of (images, seeds), with its degrees of freedom."""
    n, s = psnr.shape
    of_image, of_seed = psnr.mean(axis=1, keepdims=True), psnr.mean(axis=0, keepdims=True)
    images, seeds = s * float(of_image.var(ddof=1)), n * float(of_seed.var(ddof=1))
    rest = float(((psnr - of_image - of_seed + psnr.mean()) ** 2).sum()) / ((n - 1) * (s - 1))
    if min(images, seeds) <= rest:
        # One variance or both would be below zero: without them, the largest mean square is the estimate.
        return max((images, n - 1.0), (seeds, s - 1.0), (rest, (n - 1.0) * (s - 1.0)))
    square = images + seeds - rest
    spread = images**2 / (n - 1) + seeds**2 / (s - 1) + rest**2 / ((n - 1) * (s - 1))
    # A difference of mean squares can be given fewer degrees than any of them has.
    return square, max(square**2 / spread, min(n, s) - 1.0)


def _bootstrap(values: np.ndarray, *, method: Literal["BCa", "percentile"]) -> Any:
    """Bound the means over the last axis, all from the same draws, which are the same in every call."""
    rng = np.random.default_rng(0)
    drawn = stats.bootstrap(
        (values,), np.mean, axis=-1, confidence_level=LEVEL, method=method, random_state=rng
    )
    return drawn.confidence_interval
