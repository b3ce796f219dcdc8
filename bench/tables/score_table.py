"""Tables as text: Markdown, LaTeX, CSV and the terminal, all from the same numbers."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import pandas as pd
import rich.table
from rich.console import Group
from rich.text import Text

from bench.analysis.best import DIGITS
from bench.analysis.columns import METRICS
from bench.analysis.tabulate import Cell, Row, Table, tabulate
from bench.output.markup import (
    LATEX,
    LATEX_PACKAGES,
    MARKDOWN,
    MISSING,
    Markup,
    latex_float,
    markdown_section,
    pipe_table,
    write_texts,
)
from bench.tables.caption import footer, title

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

RICH_FRAME = 3  # a rule and two blanks around each column
TERMINAL = Markup(rich.markup.escape, "[bold]{}[/bold]".format, "[red]{}[/red]".format)


@dataclass(frozen=True)
class Grid:
    """A table as lines of text in one format, all of the same length."""

    header: list[str]
    body: list[list[str]]
    summary: list[list[str]]


def write_tables(scores: pd.DataFrame, failures: pd.DataFrame, *, folder: Path, stem: str) -> list[Path]:
    """Tabulate stored runs and write ``stem.md``, ``stem.csv`` and ``stem.tex`` into ``folder``.

    Args:
        scores: as for ``tabulate``.
        failures: as for ``tabulate``.
        folder: made if it does not exist.
        stem: of the files' names.

    Returns:
        The three files.

    Raises:
        InputError: as by ``tabulate``; nothing is written then.
    """
    tables = tabulate(scores, failures)
    texts = {".md": markdown(tables), ".csv": csv(tables), ".tex": latex(tables)}
    return write_texts(texts, folder=folder, stem=stem)


def csv(tables: Iterable[Table]) -> str:
    """Write tables as CSV, one line per cell at full precision, each with its protocol and noisy scores."""
    lines = [
        table.setup.columns()
        | {name: value for name, value in vars(row).items() if name != "cells"}
        | asdict(cell)
        | {"best": " ".join(name for name in METRICS if name in cell.best)}
        for table in tables
        for row in table.rows
        for cell in row.cells
    ]
    return pd.DataFrame(lines).to_csv(index=False, lineterminator="\n")


def markdown(tables: Iterable[Table]) -> str:
    """Write tables in Markdown, each with its heading and its protocol."""
    return "\n".join(_markdown(table) for table in tables)


def latex(tables: Iterable[Table]) -> str:
    """Write tables as LaTeX floats, for the packages ``booktabs`` and ``graphicx``."""
    return LATEX_PACKAGES + "\n".join(_latex(table) for table in tables)


def terminal(table: Table, *, width: int = 110) -> Group:
    """Lay a table out for a terminal, in as many parts one below the other as its width asks for.

    Args:
        table: what to show.
        width: of the terminal, in characters.
    """
    grid = _grid(table, TERMINAL)
    header = [name.replace(":", ":\n").replace(",", ",\n") for name in grid.header]
    lines = [
        [Text.from_markup(cell, emoji=False) for cell in line] for line in (header, *grid.body, *grid.summary)
    ]
    parts = []
    for columns in _columns_that_fit(lines, width):
        part = rich.table.Table()
        for i in columns:
            part.add_column(lines[0][i], justify="left" if i < 2 else "right")
        for number, line in enumerate(lines[1:], start=1):
            part.add_row(*(line[i] for i in columns), end_section=number == len(grid.body))
        parts.append(part)
    return Group(Text(title(table.setup)), *parts, *(Text(line, style="dim") for line in footer(table)))


def _columns_that_fit(lines: Sequence[Sequence[Text]], width: int) -> Iterator[list[int]]:
    widths = [
        RICH_FRAME + max(cell.cell_len for part in column for cell in part.split())
        for column in zip(*lines, strict=True)
    ]
    stub = [0, 1, 2]
    part: list[int] = []
    for column in range(len(stub), len(widths)):
        if part and 1 + sum(widths[i] for i in (*stub, *part, column)) > width:
            yield stub + part
            part = []
        part.append(column)
    yield stub + part


def _markdown(table: Table) -> str:
    grid = _grid(table, MARKDOWN)
    lines = pipe_table(grid.header, [*grid.body, *grid.summary], left=2)
    return markdown_section(title(table.setup), lines, footer(table))


def _latex(table: Table) -> str:
    grid = _grid(table, LATEX)
    return latex_float(title(table.setup), grid.header, grid.body, grid.summary, notes=footer(table), left=2)


def _grid(table: Table, markup: Markup) -> Grid:
    lines = [["noise", "test set", "noisy", *table.methods], *_summary(table)]
    header, *summary = [[markup.escape(text) for text in line] for line in lines]
    body = []
    for row in table.rows:
        noisy = [_number(row.noisy_psnr, DIGITS["psnr"]), _number(row.noisy_ssim, DIGITS["ssim"])]
        stub = [markup.escape(text) for text in (row.label, row.images, " / ".join(noisy))]
        body.append(stub + [_cell(cell, row, table.metrics, markup=markup) for cell in row.cells])
    return Grid(header, body, summary)


def _cell(cell: Cell, row: Row, metrics: Iterable[str], *, markup: Markup) -> str:
    if cell.status == "missing":
        return markup.escape("not defined" if cell.error else MISSING)
    if cell.status == "failed":
        return markup.failed("failed")
    numbers = {name: markup.escape(_number(getattr(cell, name), DIGITS[name])) for name in metrics}
    text = " / ".join(markup.bold(text) if name in cell.best else text for name, text in numbers.items())
    return (
        text if cell.n_seeds == row.seeds_in_row else f"{text} ({cell.n_seeds} of {row.seeds_in_row} seeds)"
    )


def _summary(table: Table) -> list[list[str]]:
    columns = [[row.cells[i] for row in table.rows] for i in range(len(table.methods))]
    passes = [["passes", "", "", *(_passes(cells) for cells in columns)]] if table.counts_passes else []
    return [
        ["sees", "", "", *(cells[0].sees or MISSING for cells in columns)],
        *passes,
        ["precision", "", "", *(_precisions(cells) for cells in columns)],
        ["training s", "", "", *(_mean([cell.training_seconds for cell in cells], 1) for cells in columns)],
        [
            "training TFLOP",
            "",
            "",
            *(_mean([cell.training_flops / 1e12 for cell in cells], 1) for cells in columns),
        ],
        ["patches/s", "", "", *(_mean([_rate(cell) for cell in cells], 0) for cells in columns)],
    ]


def _passes(cells: Iterable[Cell]) -> str:
    known = [cell.passes for cell in cells if not math.isnan(cell.passes)]
    return f"{round(fmean(known), 2):,g}" if known else MISSING


def _rate(cell: Cell) -> float:
    # What is not trained has no rate, which is stored as none a second.
    return cell.patches_per_second or math.nan


def _precisions(cells: Iterable[Cell]) -> str:
    return ", ".join(sorted({cell.precision for cell in cells if cell.status == "done"})) or MISSING


def _mean(values: Iterable[float], digits: int) -> str:
    known = [value for value in values if not math.isnan(value)]
    return _number(fmean(known), digits) if known else MISSING


def _number(value: float, digits: int) -> str:
    return MISSING if math.isnan(value) else f"{value:,.{digits}f}"
