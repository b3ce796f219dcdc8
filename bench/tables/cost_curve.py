"""Quality against cost: what a PSNR costs in training, as numbers, a table and a figure."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.analysis.best import DIGITS
from bench.analysis.columns import CELL, ROW, SETUP_COLUMNS, Condition, Setup, require
from bench.analysis.grouping import by_setup
from bench.analysis.supervision import exposure
from bench.errors import InputError
from bench.output.figures import INCH_PER_LETTER, drawing, mark, plain, save, share_legend, tidy
from bench.output.markup import MARKDOWN, pipe_table
from bench.system.files import open_folder
from bench.tables.caption import title

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

CURVE_COLUMNS = [
    "key",
    "seed",
    "sees",
    "precision",
    *SETUP_COLUMNS,
    *CELL,
    "step",
    "seconds",
    "flops",
    "psnr",
]
DRAWN = ["method", *ROW, "seeds", "step", "seconds", "tflop", "psnr"]
COSTS = {"seconds": "training time (s)", "tflop": "training compute (TFLOP)"}
WITHIN = (0.5, 0.1)
"""Distances from the final PSNR, dB."""

PANELS_ACROSS = 3


def write_curves(
    curves: pd.DataFrame, *, folder: Path, stem: str = "quality", methods: Sequence[str] | None = None
) -> list[Path]:
    """Write ``stem.csv`` (what is drawn), ``stem.md`` (what a PSNR costs) and the figure in three formats.

    Runs of several protocols are never mixed: each protocol has files of its own, ``stem-1.csv`` and so on,
    and is named in them.

    Args:
        curves: one line per run, step, noise and test set, with ``CURVE_COLUMNS``.
        folder: made if it does not exist.
        stem: of the files' names.
        methods: in the order of their colours; by default those of the curves.

    Returns:
        All files.

    Raises:
        InputError: as by ``average``, or the folder cannot be written.
    """
    groups = average(curves)
    methods = methods or list(dict.fromkeys(pd.concat(groups.values())["method"]))
    open_folder(folder)
    files = []
    for number, (setup, drawn) in enumerate(groups.items(), start=1):
        name = stem if len(groups) == 1 else f"{stem}-{number}"
        csv, markdown = folder / f"{name}.csv", folder / f"{name}.md"
        drawn.to_csv(csv, index=False, lineterminator="\n")
        markdown.write_text(_markdown(setup, drawn), encoding="utf-8", newline="\n")
        files += [csv, markdown, *_draw(setup, drawn, methods, folder=folder, stem=name)]
    return files


def summary(curves: pd.DataFrame) -> pd.DataFrame:
    """Say what a PSNR costs.

    Args:
        curves: as for ``write_curves``.

    Returns:
        One row per protocol, noise, test set and method, in the order of the tables: the columns of the
        protocol and of the cell, ``seeds``, and at the end of training ``psnr``, ``seconds``, ``tflop``. Then
        for each of ``_within_0.5``, ``_within_0.1`` (dB of the method's own final PSNR) and ``_all_reach``
        (the lowest final PSNR of all methods of the noise and set): the ``level`` (dB), the ``seconds`` and
        ``tflop`` to reach it, as by ``cost_to_reach``, and ``first_look``, true where the first look was
        there already, so that the cost is an upper bound.

    Raises:
        InputError: as by ``average``.
    """
    parts = [
        pd.DataFrame(setup.columns() | line for line in _summary(drawn))
        for setup, drawn in average(curves).items()
    ]
    return pd.concat(parts, ignore_index=True)


def average(curves: pd.DataFrame) -> dict[Setup, pd.DataFrame]:
    """Average each curve over its seeds, at the steps at which all of them were scored.

    Args:
        curves: as for ``write_curves``.

    Returns:
        For each protocol, in order, the columns ``DRAWN``: rows from weak to strong noise, methods that saw
        least first.

    Raises:
        InputError: there are no curves, columns or values are missing, or a mean would be of unlike runs.
    """
    runs = require(curves, columns=CURVE_COLUMNS)
    if runs.empty:
        raise InputError(
            "there are no curves; `noisebench run --looks N` scores a training N times on its way"
        )
    return {setup: _average(group) for setup, group in by_setup(runs).items()}


def cost_to_reach(level: float, psnr: Sequence[float], cost: Sequence[float]) -> float:
    """Interpolate the cost at which a level is first reached, linearly in the logarithm of the cost.

    Args:
        level: at most the last PSNR.
        psnr: at the looks, in their order.
        cost: likewise, positive and growing.

    Returns:
        The cost of the first look where that has reached the level, whatever less it may have taken.
    """
    above = next(place for place, value in enumerate(psnr) if value >= level)
    if above == 0:
        return cost[0]
    around = slice(above - 1, above + 1)
    return math.exp(np.interp(level, psnr[around], np.log(cost[around])))


def _average(runs: pd.DataFrame) -> pd.DataFrame:
    _check_alike(runs)
    seeds = runs.groupby(CELL)["seed"].transform("nunique")
    shared = runs[runs.groupby([*CELL, "step"])["seed"].transform("nunique") == seeds]
    points = shared.assign(tflop=shared["flops"] / 1e12).groupby([*CELL, "sees", "step"])
    means = points[[*COSTS, "psnr"]].mean().assign(seeds=points["seed"].nunique()).reset_index()
    places = [
        (Condition(*row).sort_key(), exposure(sees), method, step)
        for *row, method, sees, step in means[[*CELL, "sees", "step"]].itertuples(index=False)
    ]
    order = sorted(range(len(places)), key=places.__getitem__)
    return means.iloc[order][DRAWN].reset_index(drop=True)


def _check_alike(runs: pd.DataFrame) -> None:
    for by, column in (([*CELL, "seed"], "key"), (CELL, "precision"), (CELL, "sees")):
        mixed = runs[runs.groupby(by)[column].transform("nunique") > 1]
        if len(mixed):
            run: Any = mixed.iloc[0]
            values = sorted(set(mixed.loc[(mixed[by] == run[by]).all(axis=1), column]))
            raise InputError(
                f"the curve of {run.method} on {Condition(*run[ROW])} would mix runs of different {column}: "
                f"{' and '.join(values)}"
            )


def _summary(drawn: pd.DataFrame) -> list[dict[str, Any]]:
    final = drawn.groupby(CELL)["psnr"].transform("last")
    lowest = final.groupby([drawn[name] for name in ROW]).transform("min")
    lines = []
    for _, looks in drawn.assign(all_reach=lowest).groupby(CELL, sort=False):
        psnr = looks["psnr"].tolist()
        last = looks.to_dict("records")[-1]
        line = {name: last[name] for name in (*CELL, "seeds", "psnr", *COSTS)}
        levels = {f"within_{distance:g}": psnr[-1] - distance for distance in WITHIN}
        for name, level in (levels | {"all_reach": last["all_reach"]}).items():
            line[f"level_{name}"] = level
            for cost in COSTS:
                line[f"{cost}_{name}"] = cost_to_reach(level, psnr, looks[cost].tolist())
            line[f"first_look_{name}"] = psnr[0] >= level
        lines.append(line)
    return lines


def _sample(drawn: pd.DataFrame) -> str:
    fewest, most = min(drawn["seeds"]), max(drawn["seeds"])
    seeds = f"{fewest} to {most} seeds" if fewest < most else f"{most} seeds" if most > 1 else "1 seed"
    return f"{', '.join(sorted(set(drawn['images'])))}, mean over {seeds}"


def _name(condition: Condition, drawn: pd.DataFrame) -> str:
    """Name a noise, and the test set where there are several."""
    return str(condition) if len(set(drawn["images"])) > 1 else condition.noise_label


# The table


def _markdown(setup: Setup, drawn: pd.DataFrame) -> str:
    header = ["noise", "method", "final PSNR", "whole training"]
    header += [*(f"within {distance:g} dB" for distance in WITHIN), "PSNR that all reach", "cost of that"]
    rows = []
    for line in _summary(drawn):
        stub = (_name(Condition(line["noise"], line["parameter"], line["images"]), drawn), line["method"])
        costs = [_costs(line, which) for which in ("", *(f"_within_{distance:g}" for distance in WITHIN))]
        shared = [_decibel(line["level_all_reach"]), _costs(line, "_all_reach")]
        rows.append([*map(MARKDOWN.escape, stub), _decibel(line["psnr"]), *costs, *shared])
    text = (
        f"What a PSNR costs in training, seconds / TFLOP, on {_sample(drawn)}: the whole training, the way "
        "to within a distance of the method's own final PSNR, and that to the lowest final PSNR under the "
        "noise, each to where it is first reached; evaluation is not counted. Read between looks, linearly "
        "in the logarithm of the cost; ≤: reached by the first look."
    )
    table = pipe_table(header, rows, left=2)
    return "\n".join([f"### {MARKDOWN.escape(title(setup))}", "", MARKDOWN.escape(text), "", table, ""])


def _costs(line: dict[str, Any], which: str) -> str:
    bound = "≤ " if line.get(f"first_look{which}") else ""
    return bound + " / ".join(_significant(line[cost + which]) for cost in COSTS)


def _decibel(psnr: float) -> str:
    return f"{psnr:.{DIGITS['psnr']}f}"


def _significant(value: float) -> str:
    """Write a positive number with three digits, or all that stand before its point."""
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


# The figure


def _draw(
    setup: Setup, drawn: pd.DataFrame, methods: Sequence[str], *, folder: Path, stem: str
) -> tuple[Path, ...]:
    """Draw the noises from left to right, each with a panel per cost; a method looks as its place says."""
    noises = drawn.groupby(ROW, sort=False)
    down = math.ceil(noises.ngroups / PANELS_ACROSS)
    across = math.ceil(noises.ngroups / down)
    width = max(7, 3 * across)
    with drawing(width, 4.8 * down + 1) as figure:
        panels = figure.subplots(2 * down, across, squeeze=False)
        for place, (_, curves) in enumerate(noises):
            block, column = divmod(place, across)
            pair = panels[2 * block : 2 * block + 2, column]
            # Shared before anything is drawn: limits once found would not grow for the panels that follow.
            for axes, first, cost in zip(pair, panels[:2, 0], COSTS, strict=True):
                if axes is not first:
                    axes.sharex(first)
                _draw_curves(axes, curves, cost, methods)
                axes.set_ylabel("" if column else "PSNR (dB)")
            pair[0].set_title(plain(_name(Condition(*curves[ROW].iloc[0]), drawn)))
        for axes in panels.flat:
            axes.set_visible(axes.has_data())
        for axes, cost in zip(panels[:2, 0], COSTS, strict=True):
            _mark_round_numbers(axes, drawn[cost], room=width / across - 0.7)
        share_legend(figure)
        heading = textwrap.fill(f"PSNR on {_sample(drawn)}. Trained on {title(setup)}", int(14.5 * width))
        figure.suptitle(plain(heading), fontsize=8.5, color="#666666", x=0.01, ha="left")
        return save(figure, folder, stem)


def _draw_curves(axes: Axes, curves: pd.DataFrame, cost: str, methods: Sequence[str]) -> None:
    for method, looks in curves.groupby("method", sort=False):
        axes.plot(
            looks[cost],
            looks["psnr"],
            label=plain(str(method)),
            **mark(methods.index(str(method))),
            markersize=6,
            markeredgecolor="white",
            markeredgewidth=0.6,
            linewidth=1.4,
        )
    axes.set(xscale="log", xlabel=COSTS[cost])
    tidy(axes)


def _mark_round_numbers(axes: Axes, cost: pd.Series[float], room: float) -> None:
    """Write out as many round numbers as stand side by side in so many inches."""
    for within_decade in ((1,), (1, 3), (1, 2, 5)):
        locator = LogLocator(subs=within_decade)
        shown = [
            mark for mark in locator.tick_values(cost.min(), cost.max()) if cost.min() < mark < cost.max()
        ]
        if within_decade == (1,) or sum(INCH_PER_LETTER * (len(f"{mark:,g}") + 2) for mark in shown) < room:
            axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda mark, _: f"{mark:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
