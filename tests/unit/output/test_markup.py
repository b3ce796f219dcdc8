"""Escaping, and how numbers are written."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from bench.output.markup import (
    LATEX,
    MARKDOWN,
    MISSING,
    Span,
    format_number,
    latex_float,
    plural,
    signed,
    significant,
    stems,
    write_texts,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_cells_are_escaped_and_their_parts_styled():
    cell = (Span("a_b", "bold"), Span(" / "), Span("1 < 2", "failed"))
    assert MARKDOWN.format(cell) == r"**a\_b** / 1 &lt; 2"
    assert LATEX.format(cell) == r"\textbf{a\_b} / \emph{1 \textless{} 2}"
    assert MARKDOWN.format("50 %|") == r"50 %\|"
    assert LATEX.format("50 % −σ²") == r"50 \% $-$$\sigma$$^2$"


@pytest.mark.parametrize(
    ("value", "text"), [(0.01234, "0.0123"), (1.0, "1.00"), (98.76, "98.8"), (1234.5, "1,234")]
)
def test_three_significant_digits(value: float, text: str):
    assert significant(value) == text


def test_numbers_that_are_not_known_have_a_mark():
    assert format_number(None, ".2f") == format_number(math.nan, ".2f") == MISSING
    assert format_number(1234.5, ",.1f") == "1,234.5"


def test_counts_and_signs():
    assert [plural(count, "seed") for count in (0, 1, 2)] == ["0 seeds", "1 seed", "2 seeds"]
    assert [signed(value) for value in (0.126, -0.126)] == ["+0.13", "−0.13"]
    assert signed(-0.1264, digits=3) == "−0.126"


def test_bodies_of_a_float_have_a_rule_between_them():
    text = latex_float("A & B", ["", "x"], [["a", "1"]], [["b", "2"]], notes=["50 %"], left=1)
    assert text.count(r"\midrule") == 2
    assert r"\caption{A \& B}" in text
    assert r"\begin{tabular}{lr}" in text
    assert r"50 \%" in text


def test_texts_are_written_under_one_stem(tmp_path: Path):
    files = write_texts({".md": "σ\n", ".csv": "a\n"}, folder=tmp_path / "new", stem="table")
    assert [file.name for file in files] == ["table.md", "table.csv"]
    assert files[0].read_bytes() == "σ\n".encode()


def test_several_tables_or_figures_have_numbered_files():
    assert stems("budget", 1) == ["budget"]
    assert stems("budget", 2) == ["budget-1", "budget-2"]
