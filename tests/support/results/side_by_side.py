"""A published table with our made-up numbers beside it, and its parts."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from bench.analysis.columns import noise_label
from bench.published.reproduction import reproduce
from bench.published.side_by_side import side_by_side_table
from tests.support.results.scores import NO_FAILURES

if TYPE_CHECKING:
    import pandas as pd

    from bench.output.text_table import TextTable
    from bench.published.table import Published

# Neither in the order of noises, sets or methods that other tables have.
ROWS = [
    ("gaussian", 25.0, "set12"),
    ("gaussian", 25.0, "bsd68"),
    ("gamma", 50.0, "bsd68"),
    ("gamma", 50.0, "set12"),
]
METHODS = ["supervised", "sure", "noise2void"]
NOT_RUN = ("gaussian", 25.0, "kodak24")


def side_by_side(
    published: Published, scores: pd.DataFrame, failures: pd.DataFrame = NO_FAILURES
) -> TextTable:
    """Lay out the table of the runs with these scores."""
    return side_by_side_table(reproduce(published, scores, failures))


def blocks(table: TextTable) -> dict[tuple[str, str], list[list[str]]]:
    """Group the rows by noise and test set."""
    rows = table.plain_rows()
    starts = [place for place, row in enumerate(rows) if row[0]] + [len(rows)]
    parts = [rows[start:end] for start, end in pairwise(starts)]
    return {(part[0][0], part[0][1]): [row[2:] for row in part] for part in parts}


def block(table: TextTable, row: tuple[str, float, str]) -> list[list[str]]:
    """Return the lines of one noise and test set, without its name."""
    return blocks(table)[noise_label(row[0], row[1]), row[2]]


def reason(table: TextTable, letter: str) -> str:
    """Return the explanation of a letter, such as ``(a)``."""
    (note,) = [note for note in table.notes if note.startswith(f"{letter} ")]
    return note.removeprefix(f"{letter} ")


def letters(table: TextTable) -> tuple[set[str], list[str]]:
    """List the letters of the cells and those of the notes."""
    shown = {found for row in table.plain_rows() for text in row for found in re.findall(r"\([a-z]\)", text)}
    return shown, [note[:3] for note in table.notes if re.match(r"\([a-z]\) ", note)]
