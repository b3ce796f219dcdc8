"""A sheet: one table of plain text with the numbers behind it, written as Markdown, CSV and LaTeX."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.output.markup import (
    LATEX,
    LATEX_PACKAGES,
    MARKDOWN,
    latex_float,
    markdown_section,
    pipe_table,
    write_texts,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bench.output.markup import Markup

CSV_DIGITS = 4
"""More than any score bears out, and few enough that sums in another order give the same file."""


@dataclass(frozen=True)
class TextTable:
    """A table of text and the numbers behind it.

    Args:
        title: above it.
        header: of the columns.
        rows: of text, each as long as the header.
        notes: below it, one per line.
        numbers: what the text was made of, one line per number.
        left: how many of the first columns hold text, the others numbers.
        strong: the cells to be set in bold, by row and column.
    """

    title: str
    header: list[str]
    rows: list[list[str]]
    notes: list[str]
    numbers: pd.DataFrame
    left: int = 1
    strong: frozenset[tuple[int, int]] = frozenset()

    def markdown(self) -> str:
        """Write it in Markdown, with its heading."""
        header, *rows = self._set(MARKDOWN)
        return markdown_section(self.title, pipe_table(header, rows, left=self.left), self.notes)

    def latex(self) -> str:
        """Write it as a LaTeX float, for the packages ``booktabs`` and ``graphicx``."""
        header, *rows = self._set(LATEX)
        return LATEX_PACKAGES + latex_float(self.title, header, rows, notes=self.notes, left=self.left)

    def csv(self) -> str:
        """Write its numbers, rounded to four digits behind the point, those near zero to three in all."""
        return csv_of(self.numbers)

    def write(self, folder: Path, stem: str) -> list[Path]:
        """Write ``stem.md``, ``stem.csv`` and ``stem.tex`` into ``folder``, which is made if need be."""
        texts = {".md": self.markdown(), ".csv": self.csv(), ".tex": self.latex()}
        return write_texts(texts, folder=folder, stem=stem)

    def _set(self, markup: Markup) -> list[list[str]]:
        """Give header and rows, escaped and set in one format."""
        rows = [[markup.escape(text) for text in line] for line in self.rows]
        for row, column in self.strong:
            rows[row][column] = markup.bold(rows[row][column])
        return [[markup.escape(text) for text in self.header], *rows]


def csv_of(numbers: pd.DataFrame) -> str:
    """Write numbers as CSV, rounded as those of a sheet."""
    return numbers.to_csv(index=False, lineterminator="\n", float_format=_rounded)


def _rounded(value: Any) -> str:
    magnitude = math.floor(math.log10(abs(value))) if value else 0
    return str(round(float(value), max(CSV_DIGITS, 2 - magnitude)))
