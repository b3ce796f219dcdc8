"""Quantiles of Student's t and bootstrap intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.analysis.intervals import bootstrap_interval, student_quantile


def test_student_quantiles_of_one_and_of_several_intervals():
    assert student_quantile(6) == pytest.approx(2.446912, abs=1e-6)
    assert student_quantile(6, 4) == pytest.approx(stats.t.isf(0.05 / 8, 6), rel=1e-12)


def test_bootstrap_intervals_are_the_same_in_every_call_and_near_the_normal_ones():
    values = np.random.default_rng(0).normal(size=(2, 400))
    first, second = (bootstrap_interval(values, method="percentile") for _ in range(2))
    assert first.low.tolist() == second.low.tolist()
    half_width = 1.96 * values.std(axis=1, ddof=1) / 20
    assert first.high - values.mean(axis=1) == pytest.approx(half_width, rel=0.1)
