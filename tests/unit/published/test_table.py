"""Published tables: every number as it was printed, and folders that are refused."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.errors import InputError
from bench.published.table import LAYOUT, NUMBERS, find_published, open_published
from tests.support.repository import ROOT
from tests.support.results.references import SOURCE, publish, published_numbers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TABLES = ROOT / "tables"
ROWS = [("poisson", 0.05, "set12"), ("gaussian", 50.0, "bsd68"), ("gaussian", 25.0, "bsd68")]
COLUMNS = {"anscombe_bm3d": "bm3d", "pure": "sure"}
"""Methods of the printed table whose name here is another."""
METHODS = ["supervised", "bm3d", "noise2void (blind)"]


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def identity(line: dict[str, str]) -> tuple[str, str, float, str, str]:
    blind = " (blind)" if line.get("parameters_known") == "no" else ""
    method = COLUMNS.get(line["method"], line["method"]) + blind
    return line["source"], line["noise"], float(line["parameter"]), line["images"], method


def test_rows_and_columns_are_in_the_printed_order(tmp_path: Path) -> None:
    published = publish(tmp_path, published_numbers(ROWS, METHODS))
    assert published.rows == ROWS
    assert published.methods == METHODS
    by_method = published_numbers(ROWS, METHODS).sort_values("method", kind="stable")
    assert publish(tmp_path, by_method).rows == ROWS
    assert publish(tmp_path, by_method).methods == sorted(METHODS)


def test_other_sources_are_kept_apart(tmp_path: Path) -> None:
    theirs = published_numbers([("gamma", 50.0, "set12")], ["noise2self"]).assign(source="Another 2021")
    published = publish(tmp_path, pd.concat([theirs, published_numbers(ROWS, METHODS)]))
    assert (published.rows, published.methods) == (ROWS, METHODS)
    assert set(published.cells["source"]) == {SOURCE}
    assert len(published.numbers) == len(published.cells) + 1


@pytest.mark.parametrize("folder", sorted(path.parent for path in TABLES.glob(f"*/{NUMBERS}")))
def test_every_number_of_the_tables_of_this_repository_is_read(folder: Path) -> None:
    published = open_published(folder)
    expected = [
        (*identity(line), float(line["psnr"]), line["suspect"]) for line in lines_of(folder / NUMBERS)
    ]
    assert list(published.numbers.itertuples(index=False, name=None)) == expected
    cells = [line for line in expected if line[0] == published.source]
    assert list(published.cells.itertuples(index=False, name=None)) == cells
    assert len(cells) <= len(published.rows) * len(published.methods)


def spoil(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / LAYOUT).unlink(), r"is not a published table: it has no layout\.toml"),
        (lambda folder: (folder / NUMBERS).unlink(), r"is not a published table: it has no published\.csv"),
        (spoil(LAYOUT, "title", "titel"), r"layout\.toml holds .*'titel'.*, but must hold .*'title'"),
        (spoil(LAYOUT, "title =", "title"), r"layout\.toml: .*line 1"),
        (spoil(LAYOUT, SOURCE, "Someone 2021"), r"unknown source 'Someone 2021'; did you mean 'Someone 2020"),
        (spoil(NUMBERS, "suspect", "wrong"), r"published\.csv lacks the columns suspect"),
        (spoil(NUMBERS, "26.07", ""), r"published\.csv: could not convert string to float"),
        (spoil(NUMBERS, "50.0", "25"), r"two numbers of .*'gaussian', 'parameter': 25\.0, 'images': 'bsd68'"),
    ],
)
def test_a_folder_that_is_not_a_published_table_is_refused(
    tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    publish(tmp_path, published_numbers(ROWS, METHODS))
    damage(tmp_path)
    with pytest.raises(InputError, match=said):
        open_published(tmp_path)


def test_a_table_is_found_by_its_name_or_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = publish(tmp_path / "tables" / "one", published_numbers(ROWS, METHODS)).folder
    assert find_published("one").resolve() == folder
    assert find_published("tables/one").resolve() == folder
    assert find_published(str(folder)) == folder
    (tmp_path / "tables" / "empty").mkdir()
    assert [find_published(name) for name in ("empty", "two", "tables")] == [None] * 3
