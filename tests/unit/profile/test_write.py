"""The files of a throughput profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.profile.write import write_profile
from tests.support.throughput import read_profile

if TYPE_CHECKING:
    from pathlib import Path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_files_hold_what_was_measured_and_repeat_to_the_byte(tmp_path: Path):
    profile = read_profile(tmp_path)
    files = [write_profile(profile, folder=folder(tmp_path / name)) for name in ("first", "second")]
    assert [path.suffix for path in files[0]] == [".csv", ".md", ".png", ".svg", ".pdf"]
    for first, second in zip(*files, strict=True):
        assert first.read_bytes() == second.read_bytes()
    rows = pd.read_csv(files[0][0])
    assert len(rows) == len(profile.timings)
    assert rows["reached"].max() == pytest.approx(max(profile.reached(one) or 0 for one in profile.timings))
    assert "a <cpu>" not in files[0][3].read_text(encoding="utf-8")  # escaped
