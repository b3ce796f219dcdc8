"""Score tables as text: Markdown, LaTeX, CSV and the terminal, all from the same numbers."""

from __future__ import annotations

import math
from dataclasses import asdict
from statistics import fmean
from typing import TYPE_CHECKING

import pandas as pd

from bench.analysis.best import PRINTED_DIGITS
from bench.analysis.columns import METRICS
from bench.analysis.tabulate import Cell, Row, Table, tabulate
from bench.output.markup import MISSING, Span, format_number, write_texts
from bench.output.terminal import terminal_table
from bench.output.text_table import TextTable, latex_of, markdown_of
from bench.tables.caption import footer, title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
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
    return TextTable(
        title(table.setup),
        ["noise", "test set", "noisy", *table.methods],
        [[row.label, row.images, _noisy(row), *_cells(row, table.metrics)] for row in table.rows],
        footer(table),
        left=2,
        summary=[[name, "", "", *texts] for name, texts in _summary(table).items()],
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


def _summary(table: Table) -> dict[str, list[str]]:
    """Return the rows about each method, by name of the row."""
    lines: dict[str, Callable[[Sequence[Cell]], str]] = {
        "sees": lambda cells: cells[0].sees or MISSING,
        "passes": _passes,
        "precision": _precisions,
        "training s": lambda cells: _mean((cell.training_seconds for cell in cells), ",.1f"),
        "training TFLOP": lambda cells: _mean((cell.training_flops / 1e12 for cell in cells), ",.1f"),
        "patches/s": lambda cells: _mean(map(_patches_per_second, cells), ",.0f"),
    }
    if not table.counts_passes:
        del lines["passes"]
    columns = [[row.cells[place] for row in table.rows] for place in range(len(table.methods))]
    return {name: [describe(cells) for cells in columns] for name, describe in lines.items()}


def _passes(cells: Iterable[Cell]) -> str:
    known = [cell.passes for cell in cells if not math.isnan(cell.passes)]
    return f"{round(fmean(known), 2):,g}" if known else MISSING


def _patches_per_second(cell: Cell) -> float:
    # An untrained method has no training rate; it is stored as 0 patches per second.
    return cell.patches_per_second or math.nan


def _precisions(cells: Iterable[Cell]) -> str:
    return ", ".join(sorted({cell.precision for cell in cells if cell.status == "done"})) or MISSING


def _mean(values: Iterable[float], form: str) -> str:
    known = [value for value in values if not math.isnan(value)]
    return format(fmean(known), form) if known else MISSING


def _score(value: float, metric: str) -> str:
    return format_number(value, f",.{PRINTED_DIGITS[metric]}f")
