"""The options of commands on stored results, whose names differ from those of their fields."""

from __future__ import annotations

from pathlib import Path

import pytest
import tyro

from bench.cli.options.results import CollectOptions, ReportOptions, TableOptions, VerifyOptions


def test_released_options_keep_their_names() -> None:
    assert tyro.cli(VerifyOptions, args=["mine", "--lot", "7"]).sampling_seed == 7
    assert tyro.cli(VerifyOptions, args=["mine", "--sampling-seed", "7"]).sampling_seed == 7
    assert tyro.cli(ReportOptions, args=["--pictures", "5"]).images == 5
    assert tyro.cli(ReportOptions, args=["--images", "5"]).images == 5


def test_the_folder_of_runs_has_a_short_option() -> None:
    assert tyro.cli(VerifyOptions, args=["mine", "-o", "there"]).runs == Path("there")


def test_several_folders_of_runs_are_collected_into_one_that_must_be_given() -> None:
    parsed = tyro.cli(CollectOptions, args=["a", "b", "--out", "c"])
    assert parsed == CollectOptions(runs=(Path("a"), Path("b")), out=Path("c"))
    with pytest.raises(SystemExit) as leaving:
        tyro.cli(CollectOptions, args=["a"])
    assert leaving.value.code == 2


def test_a_table_is_that_of_the_default_folder_of_runs() -> None:
    assert tyro.cli(TableOptions, args=[]) == TableOptions("runs", None, None, Path("reports"))
