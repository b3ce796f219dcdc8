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

FRONTS = {"training_flops": "on_front", "training_seconds": "on_front_of_seconds"}
"""The costs, from top to bottom, each with the column that marks its Pareto front."""
LABELS = {"training_flops": "training compute (TFLOP)", "training_seconds": "training time (s)"}
UNITS = {"training_flops": 1e12, "training_seconds": 1.0}
DRAWN = [*CELL, "training_seconds", "training_flops", "psnr", *FRONTS.values()]
TITLE = "Quality against cost"
CAPTION = (
    "Mean PSNR of a test set against the floating-point operations of one training run, which are the same "
    "on every machine, and below against its seconds, which depend on the machine and its load{sharing}. "
    "All trained methods took the same number of steps. Filled marks, joined by a line, are the Pareto "
    "front: no other method is better in one of the two and at least as good in the other."
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
    numbers: pd.DataFrame, methods: Sequence[str], *, sharing: str = "", folder: Path, stem: str
) -> EmbeddedFigure:
    """Draw PSNR against training operations, and against seconds, one column per noise and test set.

    Args:
        numbers: finished cells, as returned by ``cells``.
        methods: the methods, in the order of their colours.
        sharing: what is known of shared cores, as returned by ``sharing_in``.
        folder: existing folder for the files.
        stem: stem of the file names.
    """
    rows = {condition: _with_front(row) for condition, row in by_condition(numbers).items()}
    with panels([str(condition) for condition in rows], rows=len(FRONTS)) as drawn:
        for row, column in zip(rows.values(), drawn.columns, strict=True):
            for axes, cost in zip(column, FRONTS, strict=True):
                _draw(axes, row, cost, methods)
        drawn.label(*["PSNR (dB)"] * len(FRONTS))
        files = drawn.save(pd.concat(rows.values())[DRAWN], folder, stem)
    fronts = [f"{condition}: {', '.join(row[row['on_front']]['method'])}" for condition, row in rows.items()]
    caption = CAPTION.format(sharing=sharing) + (UNTRAINED if (numbers["training_flops"] == 0).any() else "")
    alt = f"On the Pareto front of operations, cheapest first. {'; '.join(fronts)}."
    return EmbeddedFigure(stem, TITLE, caption, alt, files)


def _with_front(row: pd.DataFrame) -> pd.DataFrame:
    cheapest = row.sort_values(["training_flops", "method"])
    gain = cheapest["psnr"].tolist()
    return cheapest.assign(
        **{front: on_front(cheapest[cost].tolist(), gain) for cost, front in FRONTS.items()}
    )


def _draw(axes: Axes, row: pd.DataFrame, cost: str, methods: Sequence[str]) -> None:
    row = row.assign(cost=row[cost] / UNITS[cost], filled=row[FRONTS[cost]])
    front = row[row["filled"]].sort_values("cost")
    axes.plot(front["cost"], front["psnr"], color=GREY, linewidth=1, linestyle="--")
    points: Any = row.itertuples()
    for point in points:
        style = mark(methods.index(point.method))
        face = style["color"] if point.filled else "none"
        axes.plot(point.cost, point.psnr, **style, markersize=8, markerfacecolor=face)
    # For the legend, which all panels share: filled marks, in the order of all methods.
    for method in sorted(row["method"], key=methods.index):
        axes.plot([], [], **mark(methods.index(method)), linestyle="none", label=plain(method))
    axes.set_xlabel(LABELS[cost])
    axes.margins(0.15)
    tidy(axes)
