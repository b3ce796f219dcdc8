"""The overview of a reference: a small table of one test set, and each method's difference to a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.columns import CELL, SYMBOLS, CellKey
from bench.analysis.questions import differences_to
from bench.analysis.tabulate import tabulate
from bench.errors import InputError
from bench.output.figures import GREY, drawing, mark, save, share_legend, tidy
from bench.output.markup import MISSING
from bench.output.text_table import TextTable
from bench.system.files import open_folder
from bench.tables.caption import bold_note
from bench.tables.method_costs import cost_notes, method_costs
from bench.tables.score_table import score_table

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from bench.analysis.tabulate import Table

DODGE = 0.55
"""Fraction of the distance between two noise strengths over which methods are spread, to avoid overlap."""
SEES_NOTE = (
    "Sees: what a method is given; noise is the noise model with its parameter, noisy2 a second noisy copy."
)


def overview_table(scores: pd.DataFrame, methods: Collection[str], baseline: str) -> TextTable:
    """Average each method under each noise, and compare it with the baseline on the same noisy images.

    Args:
        scores: one line per run and test image of one test set; all runs must be comparable.
        methods: the methods to show; all methods compete for bold numbers, as in other tables.
        baseline: the method to compare with.

    Returns:
        The table, with a row for each method and a column for each noise, and for each cost that the runs of
        all methods recorded. Its numbers have one line per finished cell and the columns ``CELL``, psnr,
        ssim, difference, low, high and p: the difference in PSNR to the baseline, in dB, with its 95 %
        bootstrap interval and corrected p.

    Raises:
        InputError: there is more than one test set, or the baseline lacks scores under a noise.
    """
    sets = scores["images"].unique()
    if len(sets) != 1:
        raise InputError(f"an overview is of one test set, but there are {', '.join(map(str, sets))}")
    (table,) = tabulate(scores, pd.DataFrame())
    _, _, noisy, *columns = zip(*score_table(table).rows, strict=True)
    costs = {name: texts for name, texts in method_costs(table).items() if MISSING not in texts}
    shown = [
        [cell.method, cell.sees, *column, *(texts[place] for texts in costs.values())]
        for place, (cell, column) in enumerate(zip(table.rows[0].cells, columns, strict=True))
        if cell.method in methods
    ]
    return TextTable(
        f"PSNR (dB) / SSIM on {sets[0]}",
        ["method", "sees", *(row.label for row in table.rows), *(name for name, _ in costs)],
        [["noisy image", "", *noisy, *[""] * len(costs)], *shown],
        [SEES_NOTE, bold_note(table), *cost_notes(table, costs)],
        _numbers(table, scores, methods, baseline),
        left=2,
    )


def _numbers(table: Table, scores: pd.DataFrame, methods: Collection[str], baseline: str) -> pd.DataFrame:
    differences, lines = differences_to(scores, baseline), []
    for row in table.rows:
        cells = [cell for cell in row.cells if cell.method in methods and cell.status == "done"]
        if baseline not in {cell.method for cell in cells}:
            raise InputError(f"there are no scores of {baseline} on {row.label}")
        for cell in cells:
            key = CellKey(*row.condition, cell.method)
            gap = differences.get(key)
            numbers = [gap.mean, gap.low, gap.high, gap.p] if gap else [0.0, 0.0, 0.0, 1.0]
            lines.append([*key, cell.psnr, cell.ssim, *numbers])
    return pd.DataFrame(lines, columns=[*CELL, "psnr", "ssim", "difference", "low", "high", "p"])


def write_overview(numbers: pd.DataFrame, baseline: str, *, folder: Path, stem: str) -> Sequence[Path]:
    """Draw each method's difference to the baseline, one panel per noise model.

    Args:
        numbers: the numbers of ``overview_table``.
        baseline: the method that was subtracted.
        folder: created if it does not exist.
        stem: stem of the file names.
    """
    methods = list(dict.fromkeys(numbers["method"]))
    models = numbers.groupby("noise", sort=False)
    with drawing(3.1 * len(models) + 0.6, 3.6) as figure:
        panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
        for axes, (model, lines) in zip(panels, models, strict=True):
            _draw(axes, lines, methods)
            axes.set_title(str(model))
        panels[0].set_ylabel(f"PSNR minus that of {baseline} (dB)")
        share_legend(figure)
        return save(figure, open_folder(folder), stem)


def _draw(axes: Axes, lines: pd.DataFrame, methods: list[str]) -> None:
    strengths = list(dict.fromkeys(lines["parameter"]))
    axes.axhline(0, color=GREY, linewidth=1)
    points: Any = lines.itertuples()
    for point in points:
        place = methods.index(point.method)
        shift = DODGE * ((place + 0.5) / len(methods) - 0.5)
        axes.errorbar(
            strengths.index(point.parameter) + shift,
            point.difference,
            yerr=[[point.difference - point.low], [point.high - point.difference]],
            **mark(place),
            linestyle="none",
            markersize=6,
            elinewidth=1,
            label=point.method,
        )
    symbol = SYMBOLS.get(str(lines["noise"].iloc[0]), "")
    axes.set_xticks(range(len(strengths)), [f"{symbol} {parameter:g}" for parameter in strengths])
    axes.set_xlim(-0.6, len(strengths) - 0.4)
    tidy(axes, grid="y")
