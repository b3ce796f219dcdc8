"""How well a ranking without clean images agrees with the true one."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

APART = 0.1
"""Difference in dB from which on the order of two denoisers matters."""


class Agreement(NamedTuple):
    """Agreement of estimated with true errors of the same denoisers on one image or set.

    Attributes:
        pairs_right: fraction of the pairs at least ``APART`` apart that are in the right order; NaN without
        any. regret: PSNR lost by taking the denoiser with the smallest estimate, dB. kendall: Kendall's
        tau-b.
    """

    pairs_right: float
    regret: float
    kendall: float


def agreement(estimated: Sequence[float], true: Sequence[float]) -> Agreement:
    """Compare estimated with true mean squared errors, one of each for every denoiser.

    Args:
        estimated: estimates, which may be negative.
        true: true errors, above 0.
    """
    psnr = -10 * np.log10(np.asarray(true))
    better = -np.asarray(estimated)
    apart = [(i, j) for i, j in combinations(range(psnr.size), 2) if abs(psnr[i] - psnr[j]) >= APART]
    right = [(better[i] - better[j]) * (psnr[i] - psnr[j]) > 0 for i, j in apart]
    return Agreement(
        pairs_right=float(np.mean(right)) if right else float("nan"),
        regret=float(psnr.max() - psnr[better.argmax()]),
        kendall=float(stats.kendalltau(better, psnr).statistic),
    )
