"""Tables of stored runs in the terminal: all of them, or those of some keys and sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.cli.console import open_console
from bench.cli.print_tables import print_tables
from bench.errors import InputError
from bench.store.store import Store
from tests.support.command_line import run_tiny

if TYPE_CHECKING:
    from pathlib import Path


def test_only_the_runs_of_the_keys_are_shown(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny("--methods", "supervised", "sure")
    store = Store.open(folders / "runs")
    scores = store.scores()
    (key,) = scores.loc[scores["method"] == "sure", "key"].unique()
    capsys.readouterr()
    print_tables(open_console(), store, folders / "out", keys=[key])
    assert "sure" in capsys.readouterr().out
    assert set(pd.read_csv(folders / "out" / "table.csv")["method"]) == {"sure"}


def test_an_empty_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are no runs in"):
        print_tables(open_console(), Store.open(tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()
