"""The score demonstration at half its default number of points, once for all tests."""

from __future__ import annotations

import pytest

from bench.demos.learned_score import BATCH, Budget
from bench.demos.mixture_score import SIGMA, ScoreDemo, demonstrate
from bench.noise import Gaussian


@pytest.fixture(scope="session")
def half_budget_demo() -> ScoreDemo:
    return demonstrate(Gaussian(SIGMA), Budget(batch=BATCH // 2))
