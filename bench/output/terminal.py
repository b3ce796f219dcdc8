"""Format tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich.table
from rich.console import Group
from rich.text import Text

from bench.output.markup import spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.output.markup import CellText
    from bench.output.text_table import TextTable

STYLES = {"plain": "", "bold": "bold", "failed": "red"}
FRAME = 3  # a rule and two spaces per column


def terminal_table(table: TextTable, *, repeated: int, width: int) -> Group:
    """Format a table for a terminal, split into as many parts as its width requires.

    Args:
        table: the table.
        repeated: number of leading columns that every part repeats.
        width: width of the terminal, in characters.
    """
    header = [Text(_breakable(name)) for name in table.header]
    rows = [[_text(cell) for cell in row] for row in [*table.rows, *table.summary]]
    parts = []
    for columns in _columns_that_fit([header, *rows], repeated, width):
        part = rich.table.Table()
        for column in columns:
            part.add_column(header[column], justify="left" if column < table.left else "right")
        for number, row in enumerate(rows, start=1):
            part.add_row(*(row[column] for column in columns), end_section=number == len(table.rows))
        parts.append(part)
    return Group(Text(table.title), *parts, *(Text(note, style="dim") for note in table.notes))


def _text(cell: CellText) -> Text:
    return Text.assemble(*((text, STYLES[style]) for text, style in spans(cell)))


def _breakable(name: str) -> str:
    """Break the name of a method after each of its hyper-parameters."""
    return name.replace(":", ":\n").replace(",", ",\n")


def _columns_that_fit(lines: Sequence[Sequence[Text]], repeated: int, width: int) -> Iterator[list[int]]:
    widths = [
        FRAME + max(cell.cell_len for text in column for cell in text.split())
        for column in zip(*lines, strict=True)
    ]
    stub = [*range(repeated)]
    part: list[int] = []
    for column in range(repeated, len(widths)):
        if part and 1 + sum(widths[i] for i in (*stub, *part, column)) > width:
            yield stub + part
            part = []
        part.append(column)
    yield stub + part
