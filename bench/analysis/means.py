"""Means of cells with their intervals, over images and training seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.intervals import student_quantile
from bench.analysis.score_grid import grid_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Mean:
    """The mean of one metric over one cell, PSNR in dB, with the half-width of its 95 % interval.

    ``half_width`` is NaN for a single image and seed.
    """

    value: float
    half_width: float
    images: int
    seeds: int


def mean_of(scores: pd.DataFrame, metric: str = "psnr") -> Mean:
    """Average one metric of one cell over its images and seeds.

    The interval is for the mean over all such images and all training runs. With one seed, or one image, it
    is Student's interval over the other factor, and holds for that seed or image alone. Otherwise images and
    seeds are crossed random effects, score = mu + image + seed + rest, with the estimates of their variances
    from the analysis of variance, truncated at zero, and the degrees of freedom of Satterthwaite (1946), "An
    approximate distribution of estimates of variance components"; see Searle, Casella & McCulloch (1992),
    "Variance Components". The noise of training and of the test images is drawn again for each seed: an
    effect common to all images is part of ``seed``, an effect on single images part of ``rest``.

    For normal scores the interval covers the true mean in 95 % of cases if images contribute most to the
    variance of the mean, and in up to 99 % if the rest does. If seeds do, few seeds often underestimate it:
    coverage may fall to 87 % with two seeds, and to 92 % with three.

    Args:
        scores: one line per image and seed of one method, noise and test set, with the columns ``image``,
            ``seed`` and that of the metric.
        metric: psnr (dB), ssim or lpips.

    Raises:
        InputError: there are no scores, or an image has no score or several for a seed.
    """
    values = grid_of(scores, of="scores", metric=metric).to_numpy()
    images, seeds = values.shape
    return Mean(float(values.mean()), _half_width(values), images, seeds)


def _half_width(values: np.ndarray) -> float:
    if values.size == 1:
        return math.nan
    if min(values.shape) == 1:
        square, degrees = float(values.var(ddof=1)), float(values.size - 1)
    else:
        square, degrees = _crossed(values)
    return student_quantile(degrees) * math.sqrt(square / values.size)


def _crossed(values: np.ndarray) -> tuple[float, float]:
    """Estimate values.size times the variance of the mean of (images, seeds), and its degrees of freedom."""
    n, s = values.shape
    of_image, of_seed = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    images, seeds = s * float(of_image.var(ddof=1)), n * float(of_seed.var(ddof=1))
    rest = float(((values - of_image - of_seed + values.mean()) ** 2).sum()) / ((n - 1) * (s - 1))
    if min(images, seeds) <= rest:
        # One or both variance estimates are negative: without them, the largest mean square is the estimate.
        return max((images, n - 1.0), (seeds, s - 1.0), (rest, (n - 1.0) * (s - 1.0)))
    square = images + seeds - rest
    spread = images**2 / (n - 1) + seeds**2 / (s - 1) + rest**2 / ((n - 1) * (s - 1))
    # Satterthwaite can give a difference of mean squares fewer degrees than any of its terms.
    return square, max(square**2 / spread, min(n, s) - 1.0)
