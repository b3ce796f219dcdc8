"""The numbers of a report: one row per method, noise and test set."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.columns import CELL, CellKey
from bench.analysis.grouping import by_cell
from bench.analysis.means import mean_of
from bench.analysis.paired import Difference
from bench.analysis.questions import differences_to
from bench.analysis.supervision import exposure
from bench.tables.paired_differences import format_difference

if TYPE_CHECKING:
    from bench.analysis.tabulate import Cell, Row, Table

CELL_COLUMNS = [*CELL, "label", "sees", "status", "precision", "n_images", "n_seeds"]
CELL_COLUMNS += ["noisy_psnr", "psnr", "half_width", "ssim", "lpips", "lpips_half_width"]
CELL_COLUMNS += ["gap", "gap_low", "gap_high", "gap_p"]
CELL_COLUMNS += ["seconds", "training_seconds", "training_flops", "error"]


def baseline_of(table: Table) -> str | None:
    """Return the method that others are compared with: one that saw clean images, or None.

    Of several, it is the one with the shortest name, that is, with default hyper-parameters.
    """
    sees = {cell.method: cell.sees for cell in table.cells.values()}
    saw_clean = [method for method in table.methods if exposure(sees[method]) == exposure("clean")]
    return min(saw_clean, key=lambda method: (len(method), method), default=None)


def cells(table: Table, scores: pd.DataFrame) -> pd.DataFrame:
    """Collect the numbers of each cell of a table.

    Args:
        table: as returned by ``tabulate``.
        scores: scores of its runs, one line per run and test image.

    Returns:
        The columns ``CELL_COLUMNS``, in the order of the table; cells that were never run are left out, and
        the numbers of failed ones are NaN. ``half_width`` is that of ``mean_of``; ``gap`` with its interval
        and corrected p is the paired difference to the baseline.
    """
    done = {key for key, cell in table.cells.items() if cell.status == "done"}
    parts = {key: part for key, part in by_cell(scores).items() if key in done}
    baseline = baseline_of(table)
    gaps = differences_to(pd.concat(parts.values()), baseline) if parts and baseline else {}
    lines = [
        _line(row, cell, parts, gaps) for row in table.rows for cell in row.cells if cell.status != "missing"
    ]
    return pd.DataFrame(lines, columns=CELL_COLUMNS)


def format_gap(line: Any) -> str:
    """Format the difference to the baseline of a line of ``cells``, as in tables of paired differences."""
    images, seeds = line.n_images, line.n_seeds
    return format_difference(Difference(line.gap, line.gap_low, line.gap_high, line.gap_p, images, seeds))


def _line(
    row: Row, cell: Cell, parts: dict[CellKey, pd.DataFrame], gaps: dict[CellKey, Difference]
) -> dict[str, Any]:
    line = {name: value for name, value in asdict(row).items() if name not in ("cells", "seeds_in_row")}
    line |= asdict(cell) | {"label": row.label}
    line |= dict.fromkeys(["half_width", "gap", "gap_low", "gap_high", "gap_p"], math.nan)
    key = CellKey(*row.condition, cell.method)
    if key in parts:
        line["half_width"] = mean_of(parts[key]).half_width
    if pair := gaps.get(key):
        line |= {"gap": pair.mean, "gap_low": pair.low, "gap_high": pair.high, "gap_p": pair.p}
    return line
