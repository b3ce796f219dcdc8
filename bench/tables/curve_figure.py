"""The figure of a cost curve: PSNR against training time and against training compute."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.analysis.grouping import by_condition
from bench.output.figures import INCH_PER_LETTER, drawing, mark, plain, save, share_legend, tidy
from bench.tables.caption import title
from bench.tables.cost_curve import CURVE_COSTS, name_of, sample_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bench.analysis.columns import Setup

PANELS_ACROSS = 3
LABELS = {"seconds": "training time (s)", "tflop": "training compute (TFLOP)"}


def draw_curves(
    setup: Setup, drawn: pd.DataFrame, methods: Sequence[str], *, folder: Path, stem: str
) -> tuple[Path, ...]:
    """Draw the curves, one column per noise and one panel per kind of cost.

    Args:
        setup: the setup of the runs.
        drawn: the curves, as returned by ``average``.
        methods: the methods, in the order of their colours.
        folder: existing folder for the files.
        stem: stem of the file names.
    """
    conditions = by_condition(drawn)
    down = math.ceil(len(conditions) / PANELS_ACROSS)
    across = math.ceil(len(conditions) / down)
    width = max(7, 3 * across)
    with drawing(width, 4.8 * down + 1) as figure:
        panels = figure.subplots(2 * down, across, squeeze=False)
        for place, (condition, curves) in enumerate(conditions.items()):
            block, column = divmod(place, across)
            pair = panels[2 * block : 2 * block + 2, column]
            # Shared before anything is drawn: limits that are already set would not grow for later panels.
            for axes, first, cost in zip(pair, panels[:2, 0], CURVE_COSTS, strict=True):
                if axes is not first:
                    axes.sharex(first)
                _draw_panel(axes, curves, cost, methods)
                axes.set_ylabel("" if column else "PSNR (dB)")
            pair[0].set_title(plain(name_of(condition, drawn)))
        for axes in panels.flat:
            axes.set_visible(axes.has_data())
        for axes, cost in zip(panels[:2, 0], CURVE_COSTS, strict=True):
            _mark_round_numbers(axes, drawn[cost], room=width / across - 0.7)
        share_legend(figure)
        _write_heading(figure, f"PSNR on {sample_of(drawn)}. Trained on {title(setup)}")
        return save(figure, folder, stem)


def _write_heading(figure: Figure, text: str) -> None:
    heading = textwrap.fill(text, int(14.5 * figure.get_figwidth()))
    figure.suptitle(plain(heading), fontsize=8.5, color="#666666", x=0.01, ha="left")


def _draw_panel(axes: Axes, curves: pd.DataFrame, cost: str, methods: Sequence[str]) -> None:
    for method, points in curves.groupby("method", sort=False):
        axes.plot(
            points[cost],
            points["psnr"],
            label=plain(str(method)),
            **mark(methods.index(str(method))),
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
