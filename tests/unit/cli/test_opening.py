"""Damaged runs are reported and set aside when a folder of runs is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from bench.cli.main import main
from bench.store.store import Store
from tests.support.command_line import run_tiny

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_damaged_run_is_reported_and_left_out_of_the_table(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny("--methods", "supervised", "noise2noise")
    runs = Store(folders / "runs")
    key = runs.keys()[0]
    path = folders / "runs" / key / "scores.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    capsys.readouterr()
    main(["table"])
    captured = capsys.readouterr()
    assert f"damaged: runs/{key}/scores.parquet is damaged" in captured.err
    assert "set aside in runs/damaged/" in captured.err
    assert runs.keys() != []
    assert len(pd.read_csv(folders / "runs" / "tables" / "table.csv")) == 1
