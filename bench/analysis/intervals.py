"""95 % intervals: Student's t and the bootstrap."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy import stats

LEVEL = 0.95
DECIMALS = 9
"""Decimals of a dB that are kept; smaller differences come from the order of float64 sums alone."""


def student_quantile(degrees: float, intervals: int = 1) -> float:
    """Return the quantile of Student's t that ends a two-sided interval.

    Args:
        degrees: degrees of freedom.
        intervals: number of intervals that hold jointly at the level (Bonferroni).
    """
    return float(stats.t.ppf(1 - (1 - LEVEL) / 2 / intervals, degrees))


def bootstrap_interval(values: np.ndarray, *, method: Literal["BCa", "percentile"]) -> Any:
    """Compute bootstrap intervals of the means over the last axis, with the same resamples in every call.

    Args:
        values: (..., n).
        method: bootstrap method.

    Returns:
        The interval ends ``low`` and ``high``, each (...).
    """
    rng = np.random.default_rng(0)
    drawn = stats.bootstrap(
        (values,), np.mean, axis=-1, confidence_level=LEVEL, method=method, random_state=rng
    )
    return drawn.confidence_interval
