"""The score demonstration: a better score denoises better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.demos.mixture_score import SIGMA

if TYPE_CHECKING:
    from bench.demos.mixture_score import ScoreDemo

SD = SIGMA / 255


def test_a_better_score_denoises_better(half_budget_demo: ScoreDemo):
    """MSE = MMSE + sigma^4 E|learned - s|^2 / 2, and MMSE = sigma^2 - sigma^4 E|s|^2 / 2."""
    square = half_budget_demo.grid.mean(
        half_budget_demo.noisy.score(half_budget_demo.grid.points).square().sum(dim=-1)
    )
    least = SD**2 - SD**4 * square / 2
    excess = half_budget_demo.relative_error**2 * SD**4 * square / 2
    assert half_budget_demo.mse["noisy"] == pytest.approx(SD**2, rel=0.01)
    assert half_budget_demo.mse["exact"] == pytest.approx(least, rel=0.01)
    assert half_budget_demo.mse["learned"] - half_budget_demo.mse["exact"] == pytest.approx(excess, rel=0.5)
