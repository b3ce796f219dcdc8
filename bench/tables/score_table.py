"""Score tables as text: Markdown, LaTeX, CSV and the terminal, all from the same numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from bench.analysis.best import PRINTED_DIGITS
from bench.analysis.columns import METRICS
from bench.analysis.tabulate import Cell, Row, Table, tabulate
from bench.output.markup import MISSING, Span, format_number, write_texts
from bench.output.terminal import terminal_table
from bench.output.text_table import TextTable, latex_of, markdown_of
from bench.tables.caption import footer, title
from bench.tables.method_costs import cost_notes, method_costs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rich.console import Group

    from bench.output.markup import CellText


def write_tables(scores: pd.DataFrame, failures: pd.DataFrame, *, folder: Path, stem: str) -> list[Path]:
    """Tabulate stored runs and write ``stem.md``, ``stem.csv`` and ``stem.tex`` into ``folder``.

    Args:
        scores: as for ``tabulate``.
        failures: as for ``tabulate``.
        folder: created if it does not exist.
        stem: stem of the file names.

    Returns:
        The three files.

    Raises:
        InputError: as raised by ``tabulate``; then nothing is written.
    """
    tables = tabulate(scores, failures)
    texts = {".md": markdown(tables), ".csv": csv(tables), ".tex": latex(tables)}
    return write_texts(texts, folder=folder, stem=stem)


def csv(tables: Sequence[Table]) -> str:
    """Format tables as CSV, one line per cell at full precision, with its setup and noisy scores.

    The half-width of LPIPS's interval is left out where no table has LPIPS.
    """
    lines = [
        table.setup.columns()
        | {name: value for name, value in vars(row).items() if name != "cells"}
        | asdict(cell)
        | {"best": " ".join(name for name in METRICS if name in cell.best)}
        for table in tables
        for row in table.rows
        for cell in row.cells
    ]
    numbers = pd.DataFrame(lines)
    if not any("lpips" in table.metrics for table in tables):
        numbers = numbers.drop(columns="lpips_half_width")
    return numbers.to_csv(index=False, lineterminator="\n")


def markdown(tables: Iterable[Table]) -> str:
    """Format tables as Markdown, each with its heading and its protocol."""
    return markdown_of(map(score_table, tables))


def latex(tables: Iterable[Table]) -> str:
    """Format tables as LaTeX floats, for the packages ``booktabs`` and ``graphicx``."""
    return latex_of(map(score_table, tables))


def terminal(table: Table, *, width: int = 110) -> Group:
    """Format a table for a terminal, split into as many parts as its width requires.

    Args:
        table: the table.
        width: width of the terminal, in characters.
    """
    return terminal_table(score_table(table), repeated=3, width=width)


def score_table(table: Table) -> TextTable:
    """Make the table: a row per noise and test set, a column per method, then the costs of the methods."""
    costs = method_costs(table)
    summary = {("sees", ""): _sees(table), ("precision", ""): _precisions(table)} | costs
    reading, *protocol = footer(table)
    return TextTable(
        title(table.setup),
        ["noise", "test set", "noisy", *table.methods],
        [[row.label, row.images, _noisy(row), *_cells(row, table.metrics)] for row in table.rows],
        [reading, *cost_notes(table, costs), *protocol],
        left=2,
        summary=[[name, images, "", *texts] for (name, images), texts in summary.items()],
    )


def _noisy(row: Row) -> str:
    return f"{_score(row.noisy_psnr, 'psnr')} / {_score(row.noisy_ssim, 'ssim')}"


def _cells(row: Row, metrics: Sequence[str]) -> list[CellText]:
    return [_cell(cell, metrics, seeds=row.seeds_in_row) for cell in row.cells]


def _cell(cell: Cell, metrics: Sequence[str], *, seeds: int) -> CellText:
    if cell.status == "missing":
        return "not defined" if cell.error else MISSING
    if cell.status == "failed":
        return (Span("failed", "failed"),)
    parts = []
    for name in metrics:
        score = _score(getattr(cell, name), name)
        parts += [Span(score, "bold" if name in cell.best else "plain"), Span(" / ")]
    of_seeds = "" if cell.n_seeds == seeds else f" ({cell.n_seeds} of {seeds} seeds)"
    return (*parts[:-1], Span(of_seeds))


def _sees(table: Table) -> list[str]:
    return [cell.sees or MISSING for cell in table.rows[0].cells]


def _precisions(table: Table) -> list[str]:
    done = [cell for cell in table.cells.values() if cell.status == "done"]
    of_method = ({cell.precision for cell in done if cell.method == method} for method in table.methods)
    return [", ".join(sorted(found)) or MISSING for found in of_method]


def _score(value: float, metric: str) -> str:
    return format_number(value, f",.{PRINTED_DIGITS[metric]}f")
