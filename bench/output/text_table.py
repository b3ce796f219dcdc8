"""Tables of text with the underlying numbers, written as Markdown, LaTeX and CSV."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.output.markup import (
    LATEX,
    LATEX_PACKAGES,
    MARKDOWN,
    CellText,
    latex_float,
    pipe_table,
    spans,
    write_texts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bench.output.markup import Markup

CSV_DIGITS = 4
"""Decimals: more than any score supports, but few enough that sums in another order give the same file."""


@dataclass(frozen=True)
class TextTable:
    """A table of text and the underlying numbers.

    Args:
        title: title above the table.
        header: headings of the columns.
        rows: rows of cells, each as long as the header.
        notes: notes below the table.
        numbers: the underlying numbers, one per line; empty if they are written elsewhere.
        left: number of leading columns with text; the others hold numbers.
        summary: rows about the columns, below a rule.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[CellText]]
    notes: Sequence[str] = ()
    numbers: pd.DataFrame = field(default_factory=pd.DataFrame)
    left: int = 1
    summary: Sequence[Sequence[CellText]] = ()

    def markdown(self, *, level: int = 3) -> str:
        """Format it as Markdown, below a heading of the given level, with its notes as a list."""
        rows = _format(MARKDOWN, [*self.rows, *self.summary])
        table = pipe_table([MARKDOWN.escape(name) for name in self.header], rows, left=self.left)
        heading = f"{'#' * level} {MARKDOWN.escape(self.title)}"
        notes = [f"- {MARKDOWN.escape(note)}" for note in self.notes]
        return "\n".join([heading, "", table, *([""] if notes else []), *notes, ""])

    def plain_rows(self) -> list[list[str]]:
        """Return the text of the rows, without styles."""
        return [["".join(text for text, _ in spans(cell)) for cell in row] for row in self.rows]

    def latex(self) -> str:
        """Format it as a LaTeX float, after a comment that lists the required packages."""
        return latex_of([self])

    def latex_float(self) -> str:
        """Format it as a LaTeX float, for the packages ``booktabs`` and ``graphicx``."""
        header = [LATEX.escape(name) for name in self.header]
        bodies = [_format(LATEX, body) for body in (self.rows, self.summary) if body]
        return latex_float(self.title, header, *bodies, notes=self.notes, left=self.left)

    def csv(self) -> str:
        """Format its numbers with ``csv_of``."""
        return csv_of(self.numbers)

    def write(self, folder: Path, stem: str) -> list[Path]:
        """Write ``stem.md``, ``stem.csv`` and ``stem.tex`` into a folder, created if it does not exist."""
        texts = {".md": self.markdown(), ".csv": self.csv(), ".tex": self.latex()}
        return write_texts(texts, folder=folder, stem=stem)


def markdown_of(tables: Iterable[TextTable]) -> str:
    """Format tables as Markdown, one after the other."""
    return "\n".join(table.markdown() for table in tables)


def latex_of(tables: Iterable[TextTable]) -> str:
    """Format tables as LaTeX floats, after a comment that lists the required packages."""
    return LATEX_PACKAGES + "\n".join(table.latex_float() for table in tables)


def csv_of(numbers: pd.DataFrame) -> str:
    """Format numbers as CSV, rounded to four decimals, or three significant digits near zero."""
    return numbers.to_csv(index=False, lineterminator="\n", float_format=_rounded)


def _format(markup: Markup, rows: Sequence[Sequence[CellText]]) -> list[list[str]]:
    return [[markup.format(cell) for cell in row] for row in rows]


def _rounded(value: Any) -> str:
    magnitude = math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0
    return str(round(float(value), max(CSV_DIGITS, 2 - magnitude)))
