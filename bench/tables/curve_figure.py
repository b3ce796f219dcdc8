"""The figure of curves: PSNR against training time, training compute and steps."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.analysis.grouping import by_condition
from bench.output.figures import INCH_PER_LETTER, drawing, plain, save, share_legend, tidy
from bench.tables.cost_curve import name_of, sample_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS_ACROSS = 3
LABELS = {
    "seconds": "training time (s)",
    "tflop": "training compute (TFLOP)",
    "step": "training steps",
    "steps": "training steps",
}


def draw_curves(
    heading: str,
    drawn: pd.DataFrame,
    styles: Mapping[str, dict[str, Any]],
    *,
    costs: Sequence[str],
    folder: Path,
    stem: str,
) -> tuple[Path, ...]:
    """Draw curves, one column per noise and one panel per kind of cost.

    Args:
        heading: the settings that the runs share.
        drawn: the points, with the columns ``ROW``, line, seeds, psnr and the costs, in order.
        styles: colour, marker and the like of each name in the column line.
        costs: columns with the costs, of ``LABELS``.
        folder: existing folder for the files.
        stem: stem of the file names.
    """
    conditions = by_condition(drawn)
    down = math.ceil(len(conditions) / PANELS_ACROSS)
    across = math.ceil(len(conditions) / down)
    width = max(7, 3 * across)
    count = len(costs)
    with drawing(width, 2.4 * count * down + 1) as figure:
        panels = figure.subplots(count * down, across, squeeze=False)
        for place, (condition, curves) in enumerate(conditions.items()):
            block, column = divmod(place, across)
            stack = panels[count * block : count * (block + 1), column]
            # Shared before anything is drawn: limits that are already set would not grow for later panels.
            for axes, first, cost in zip(stack, panels[:count, 0], costs, strict=True):
                if axes is not first:
                    axes.sharex(first)
                _draw_panel(axes, curves, cost, styles)
                axes.set_ylabel("" if column else "PSNR (dB)")
            stack[0].set_title(plain(name_of(condition, drawn)))
        for axes in panels.flat:
            axes.set_visible(axes.has_data())
        for axes, cost in zip(panels[:count, 0], costs, strict=True):
            _mark_round_numbers(axes, drawn[cost], room=width / across - 0.7)
        share_legend(figure)
        _write_heading(figure, f"PSNR on {sample_of(drawn)}. {heading}")
        return save(figure, folder, stem)


def _write_heading(figure: Figure, text: str) -> None:
    heading = textwrap.fill(text, int(14.5 * figure.get_figwidth()))
    figure.suptitle(plain(heading), fontsize=8.5, color="#666666", x=0.01, ha="left")


def _draw_panel(axes: Axes, curves: pd.DataFrame, cost: str, styles: Mapping[str, dict[str, Any]]) -> None:
    for line, points in curves.groupby("line", sort=False):
        axes.plot(
            points[cost],
            points["psnr"],
            label=plain(str(line)),
            **styles[str(line)],
            markersize=6,
            markeredgecolor="white",
            markeredgewidth=0.6,
            linewidth=1.4,
        )
    axes.set(xscale="log", xlabel=LABELS[cost])
    tidy(axes)


def _mark_round_numbers(axes: Axes, cost: pd.Series[float], room: float) -> None:
    """Label as many round numbers as fit side by side into ``room`` inches."""
    for within_decade in ((1,), (1, 3), (1, 2, 5)):
        locator = LogLocator(subs=within_decade)
        ticks = locator.tick_values(cost.min(), cost.max())
        shown = [tick for tick in ticks if cost.min() < tick < cost.max()]
        if within_decade == (1,) or sum(INCH_PER_LETTER * (len(f"{tick:,g}") + 2) for tick in shown) < room:
            axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
