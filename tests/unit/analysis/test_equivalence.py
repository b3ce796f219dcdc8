"""Words for differences: significance is one thing, equivalence another."""

from __future__ import annotations

import math

import pytest

from bench.analysis.equivalence import MARGIN, relation_of
from bench.analysis.paired import Difference

IN, OUT = 0.9 * MARGIN, 1.1 * MARGIN


@pytest.mark.parametrize(
    ("low", "high", "p", "said"),
    [
        (-IN, IN, 0.5, "as good as"),
        (-OUT, IN, 0.5, "not shown to differ from"),
        (-IN, OUT, 0.5, "not shown to differ from"),
        (0.01, 0.03, 0.01, "better than"),
        (-0.03, -0.01, 0.01, "worse than"),
        (-0.03, -0.01, 0.05, "as good as"),
        (math.nan, math.nan, math.nan, "not shown to differ from"),
    ],
)
def test_as_good_needs_an_interval_inside_the_margin(low: float, high: float, p: float, said: str) -> None:
    mean = 0.0 if math.isnan(low) else (low + high) / 2
    assert relation_of(Difference(mean, low, high, p, 12, 1)) == said


def test_the_margin_is_what_its_reason_says() -> None:
    more = 10 ** (MARGIN / 10) - 1
    assert more == pytest.approx(0.023, abs=5e-4)
    sd = 0.05 * math.sqrt(2)  # of the difference of two runs
    assert math.erfc(MARGIN / sd / math.sqrt(2)) == pytest.approx(1 / 6, abs=0.01)
