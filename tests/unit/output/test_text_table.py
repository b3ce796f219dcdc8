"""A table of text as Markdown, LaTeX and CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from bench.output.markup import Span
from bench.output.text_table import TextTable, csv_of, latex_of, markdown_of

if TYPE_CHECKING:
    from pathlib import Path

TABLE = TextTable(
    "A_title",
    ["method", "PSNR"],
    [["one", (Span("30.00", "bold"), Span(" dB"))], ["two", "29.00"]],
    ["A note."],
    pd.DataFrame({"psnr": [30.0, 29.0]}),
    summary=[["sees", "noisy"]],
)


def test_markdown():
    assert TABLE.markdown().splitlines() == [
        r"### A\_title",
        "",
        "| method | PSNR |",
        "| --- | ---: |",
        "| one | **30.00** dB |",
        "| two | 29.00 |",
        "| sees | noisy |",
        "",
        "- A note.",
    ]
    bare = TextTable("Title", ["a"], [["1"]])
    assert bare.markdown(level=2) == "## Title\n\n| a |\n| --- |\n| 1 |\n"


def test_latex_has_a_rule_above_the_summary():
    lines = TABLE.latex().splitlines()
    assert lines[0].startswith("% needs")
    body = lines[lines.index(r"\toprule") + 1 : lines.index(r"\bottomrule")]
    assert body == [
        r"method & PSNR \\",
        r"\midrule",
        r"one & \textbf{30.00} dB \\",
        r"two & 29.00 \\",
        r"\midrule",
        r"sees & noisy \\",
    ]


def test_several_tables_name_their_packages_once():
    assert latex_of([TABLE, TABLE]).count("% needs") == 1
    assert latex_of([TABLE, TABLE]).count(r"\begin{table}") == 2
    assert markdown_of([TABLE, TABLE]).count("### ") == 2


def test_plain_rows_have_no_styles():
    assert TABLE.plain_rows() == [["one", "30.00 dB"], ["two", "29.00"]]


def test_csv_keeps_four_decimals_and_three_digits_of_small_numbers():
    numbers = pd.DataFrame({"p": [0.123456, 0.0000123456, 0.0, 12.0]})
    assert csv_of(numbers).split() == ["p", "0.1235", "1.23e-05", "0.0", "12.0"]


def test_files(tmp_path: Path):
    markdown, csv, latex = TABLE.write(tmp_path / "new", "table")
    assert markdown.read_text("utf-8") == TABLE.markdown()
    assert csv.read_text("utf-8") == "psnr\n30.0\n29.0\n"
    assert latex.read_text("utf-8") == TABLE.latex()
