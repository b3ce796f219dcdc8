"""Panels of a figure: their places, titles, labels and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.report.subplots import ACROSS, panels

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("rows", [1, 2])
def test_each_title_has_a_column_of_visible_panels(count: int, rows: int) -> None:
    titles = [f"panel {number}" for number in range(count)]
    with panels(titles, rows=rows) as drawn:
        assert [column[0].get_title(loc="left") for column in drawn.columns] == titles
        assert [len(column) for column in drawn.columns] == [rows] * count
        shown = {axes for column in drawn.columns for axes in column}
        assert {axes for axes in drawn.figure.axes if axes.get_visible()} == shown
        assert drawn.across <= ACROSS


def test_a_title_is_no_formula() -> None:
    with panels(["a$b$c"]) as drawn:
        assert drawn.columns[0][0].get_title(loc="left") == r"a\$b\$c"


def test_only_the_leftmost_columns_are_labelled() -> None:
    with panels(["title"] * 4, rows=2) as drawn:
        drawn.label("above", "below")
        labels = [[axes.get_ylabel() for axes in column] for column in drawn.columns]
    assert labels == [["above", "below"], ["", ""], ["above", "below"], ["", ""]]


def test_the_files_have_the_numbers_and_the_legend(tmp_path: Path) -> None:
    with panels(["title"]) as drawn:
        drawn.columns[0][0].plot([0, 1], [1, 2], label="a line")
        csv, png, svg, pdf = drawn.save(pd.DataFrame({"x": [0.125, 1.0]}), tmp_path, "stem")
    assert csv.read_text(encoding="utf-8") == "x\n0.125\n1.0\n"
    assert png.read_bytes().startswith(b"\x89PNG")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert "<!-- a line -->" in svg.read_text(encoding="utf-8")
