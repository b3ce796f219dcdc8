"""Write curves of PSNR against cost: the points as CSV, tables, and the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.output.figures import mark
from bench.output.markup import stems, write_texts
from bench.system.files import open_folder
from bench.tables.budget_curve import BUDGETS, POINTS
from bench.tables.caption import title
from bench.tables.cost_curve import CURVE_COSTS, average
from bench.tables.curve_figure import draw_curves
from bench.tables.curve_table import curve_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.tables.budget_curve import BudgetCurves


DASHES = ["-", "--", ":", "-."]


def write_curves(
    curves: pd.DataFrame, *, folder: Path, stem: str = "quality", methods: Sequence[str] | None = None
) -> list[Path]:
    """Write ``stem.csv`` (points), ``stem.md`` (training cost of a PSNR) and the figure in three formats.

    Protocols are never mixed: each has its own files, ``stem-1.csv`` and so on, which name it.

    Args:
        curves: one line per run, step, noise and test set, with ``CURVE_COLUMNS``.
        folder: created if it does not exist.
        stem: stem of the file names.
        methods: in the order of their colours; by default those of the curves.

    Returns:
        All written files.

    Raises:
        InputError: as raised by ``average``, or the folder cannot be written.
    """
    groups = average(curves)
    methods = methods or list(dict.fromkeys(pd.concat(groups.values())["method"]))
    styles = {method: mark(place) for place, method in enumerate(methods)}
    open_folder(folder)
    files = []
    for name, (setup, drawn) in zip(stems(stem, len(groups)), groups.items(), strict=True):
        points = drawn.to_csv(index=False, lineterminator="\n")
        texts = {".csv": points, ".md": curve_table(setup, drawn).markdown()}
        files += write_texts(texts, folder=folder, stem=name)
        lines, costs = drawn.assign(line=drawn["method"]), [*CURVE_COSTS, "step"]
        heading = f"Trained on {title(setup)}"
        files += draw_curves(heading, lines, styles, costs=costs, folder=folder, stem=name)
    return files


def write_budgets(curves: Sequence[BudgetCurves], *, folder: Path, stem: str = "budget") -> list[Path]:
    """Write ``stem.csv`` (finished budgets of trained methods) and the figure in three formats.

    Args:
        curves: as returned by ``budget_curves``, each in files of its own, ``stem-1.csv`` and so on.
        folder: created if it does not exist.
        stem: stem of the file names.

    Returns:
        All written files.

    Raises:
        InputError: the folder cannot be written.
    """
    open_folder(folder)
    files = []
    for name, one in zip(stems(stem, len(curves)), curves, strict=True):
        points, heading = one.trained, f"Each point is a finished run. Trained on {one.heading}"
        csv = points[POINTS].to_csv(index=False, lineterminator="\n")
        files += write_texts({".csv": csv}, folder=folder, stem=name)
        files += draw_curves(heading, points, _styles(points), costs=BUDGETS, folder=folder, stem=name)
    return files


def _styles(points: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Choose the colour by the method, how the line is dashed by the setup, and the marker by both."""
    methods, setups = ([*dict.fromkeys(points[name])] for name in ("method", "setup"))
    lines = dict.fromkeys(points[["line", "method", "setup"]].itertuples(index=False, name=None))
    return {
        line: {
            "color": mark(methods.index(method))["color"],
            "marker": mark(place)["marker"],
            "linestyle": DASHES[setups.index(setup) % len(DASHES)],
        }
        for place, (line, method, setup) in enumerate(lines)
    }
