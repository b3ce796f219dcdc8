"""A throughput profile as Markdown tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.profile.profile_table import caption, markdown
from tests.support.throughput import read_profile

if TYPE_CHECKING:
    from pathlib import Path


def test_tables_hold_ratios_rates_and_a_mark_for_what_is_unknown(tmp_path: Path):
    profile = read_profile(tmp_path)
    lines = {line.split(" | ")[0].strip("| "): line for line in markdown(profile).splitlines() if "|" in line}
    assert "| 44.0 | 2.20 | 182 | 2.00 | 45% | 1 | 2.000 | 88 | – |" in lines[r"slow\|one"]
    assert "| 21.0 | 1.05 | 381 | 1.00 | 48% | 1 | – | 42 | 3.0 |" in lines[r"quick\_one"]
    assert "| 21.0 | 1.05 | 381 | 1.00 | – |" in lines["other"]
    assert "| 20.00 | 40.0% |" in lines["optimiser"]  # of 5 + 10 + 15 + 20 ms
    assert "| 8x64 |" not in lines["64"]
    assert "100 GFLOP/s" in caption(profile)
    assert "10.0 GB/s" in caption(profile)
