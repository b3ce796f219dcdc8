"""PSNR against the cost of training, with the Pareto front."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.columns import CELL
from bench.analysis.grouping import by_condition
from bench.output.figures import GREY, mark, plain, tidy
from bench.report.embedded_figure import EmbeddedFigure
from bench.report.subplots import panels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

DRAWN = [*CELL, "training_seconds", "training_flops", "psnr", "on_front"]
TITLE = "Quality against cost"
COST, TERA = "training_flops", 1e12
CAPTION = (
    "Mean PSNR of a test set against the floating-point operations of one training run, which are the same "
    "on every machine. Filled marks, joined by a line, are the Pareto front: no other method is better in "
    "one of the two and at least as good in the other. Seconds depend on the machine and its load, and are "
    "in the table."
)
UNTRAINED = " At 0: methods that need no training."


def on_front(cost: Sequence[float], gain: Sequence[float]) -> list[bool]:
    """Return which points are on the Pareto front.

    Args:
        cost: cost of each point; less is better.
        gain: gain of each point; more is better.

    Returns:
        False for a point if another costs no more and gains no less, and is better in one of the two.
    """
    points = list(zip(cost, gain, strict=True))
    return [
        not any(c <= cost and g >= gain and (c, g) != (cost, gain) for c, g in points)
        for cost, gain in points
    ]


def draw_cost_figure(
    numbers: pd.DataFrame, methods: Sequence[str], *, folder: Path, stem: str
) -> EmbeddedFigure:
    """Draw PSNR against training operations, one panel per noise and test set.

    Args:
        numbers: finished cells, as returned by ``cells``.
        methods: the methods, in the order of their colours.
        folder: existing folder for the files.
        stem: stem of the file names.
    """
    rows = {condition: _with_front(row) for condition, row in by_condition(numbers).items()}
    with panels([str(condition) for condition in rows]) as drawn:
        for row, (axes,) in zip(rows.values(), drawn.columns, strict=True):
            _draw(axes, row, methods)
        drawn.label("PSNR (dB)")
        files = drawn.save(pd.concat(rows.values())[DRAWN], folder, stem)
    fronts = [f"{condition}: {', '.join(row[row['on_front']]['method'])}" for condition, row in rows.items()]
    caption = CAPTION + (UNTRAINED if (numbers[COST] == 0).any() else "")
    return EmbeddedFigure(
        stem, TITLE, caption, f"On the Pareto front, cheapest first. {'; '.join(fronts)}.", files
    )


def _with_front(row: pd.DataFrame) -> pd.DataFrame:
    cheapest = row.sort_values([COST, "method"])
    cost, gain = cheapest[COST].tolist(), cheapest["psnr"].tolist()
    return cheapest.assign(on_front=on_front(cost, gain))


def _draw(axes: Axes, row: pd.DataFrame, methods: Sequence[str]) -> None:
    front = row[row["on_front"]]
    axes.plot(front[COST] / TERA, front["psnr"], color=GREY, linewidth=1, linestyle="--")
    points: Any = row.itertuples()
    for point in points:
        style = mark(methods.index(point.method))
        face = style["color"] if point.on_front else "none"
        axes.plot(point.training_flops / TERA, point.psnr, **style, markersize=8, markerfacecolor=face)
    # For the legend, which all panels share: filled marks, in the order of all methods.
    for method in sorted(row["method"], key=methods.index):
        axes.plot([], [], **mark(methods.index(method)), linestyle="none", label=plain(method))
    axes.set_xlabel("training compute (TFLOP)")
    axes.margins(0.15)
    tidy(axes)
