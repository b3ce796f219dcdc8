"""Ratios within a round."""

from __future__ import annotations

from tests.throughput.ratios import ratios_to


def test_ratios_are_taken_within_a_round():
    """A machine that halves its speed from one round to the next changes no ratio."""
    times = {"bare": [1.0, 2.0, 4.0], "step": [1.5, 3.0, 6.0], "late": [1.0, 2.0, 40.0]}
    assert ratios_to("bare", times) == {"step": 1.5, "late": 1.0}
