"""Intervals of one level: Student's and the bootstrap's."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy import stats

LEVEL = 0.95
DECIMALS = 9
"""Decimals of a dB that are kept; scores that are nearer differ by the order of float64 sums alone."""


def student_quantile(degrees: float, intervals: int = 1) -> float:
    """Return the quantile of Student's t that ends a two-sided interval.

    Args:
        degrees: of freedom.
        intervals: how many intervals hold together at the level (Bonferroni).
    """
    return float(stats.t.ppf(1 - (1 - LEVEL) / 2 / intervals, degrees))


def bootstrap_interval(values: np.ndarray, *, method: Literal["BCa", "percentile"]) -> Any:
    """Bound the means over the last axis, all from the same draws, which are the same in every call.

    Args:
        values: (..., n).
        method: of the bootstrap.

    Returns:
        The ends ``low`` and ``high``, (...).
    """
    rng = np.random.default_rng(0)
    drawn = stats.bootstrap(
        (values,), np.mean, axis=-1, confidence_level=LEVEL, method=method, random_state=rng
    )
    return drawn.confidence_interval
