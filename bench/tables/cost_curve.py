"""Quality against cost: the mean curve of each cell, and the training cost of a PSNR."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.analysis.columns import CELL, ROW, SETUP_COLUMNS, Condition, Setup, require
from bench.analysis.grouping import by_setup, records_of
from bench.analysis.supervision import exposure
from bench.errors import InputError
from bench.output.markup import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

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
CURVE_COSTS = ["seconds", "tflop"]
WITHIN = (0.5, 0.1)
"""Distances from the final PSNR, in dB."""


def summary(curves: pd.DataFrame) -> pd.DataFrame:
    """Compute the training cost of reaching a PSNR.

    Args:
        curves: one line per run, step, noise and test set, with ``CURVE_COLUMNS``.

    Returns:
        One row per protocol, noise, test set and method, in the order of the tables: the columns of the
        protocol and of the cell, ``seeds``, and the final ``psnr``, ``seconds`` and ``tflop``. Then for each
        of ``_within_0.5``, ``_within_0.1`` (dB of the method's own final PSNR) and ``_all_reach`` (the lowest
        final PSNR of all methods with this noise and test set): the ``level`` (dB), the ``seconds`` and
        ``tflop`` to reach it, as returned by ``cost_to_reach``, and ``at_first``, true if the first
        evaluation had already reached it, so that the cost is an upper bound.

    Raises:
        InputError: as raised by ``average``.
    """
    groups = average(curves).items()
    return pd.DataFrame([setup.columns() | line for setup, drawn in groups for line in costs_of(drawn)])


def average(curves: pd.DataFrame) -> dict[Setup, pd.DataFrame]:
    """Average each curve over its seeds, at the steps at which all of them were evaluated.

    Args:
        curves: as for ``summary``.

    Returns:
        For each protocol, in order, a frame with the columns ``DRAWN``: from weak to strong noise, methods by
        how much they saw, least first.

    Raises:
        InputError: there are no curves, columns or values are missing, or a mean would mix different runs.
    """
    runs = require(curves, columns=CURVE_COLUMNS)
    if runs.empty:
        raise InputError(
            "there are no curves; `noisebench run --evaluations N` evaluates each run N times as it trains"
        )
    return {setup: _average(group) for setup, group in by_setup(runs).items()}


def cost_to_reach(level: float, psnr: Sequence[float], cost: Sequence[float]) -> float:
    """Interpolate the cost at which a level is first reached, linearly in the logarithm of the cost.

    Args:
        level: PSNR to reach, at most the last one.
        psnr: PSNR at each evaluation, in order.
        cost: cost at each evaluation, positive and increasing.

    Returns:
        The cost. If the first evaluation has already reached the level, its cost, which is an upper bound.
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
    means = points[[*CURVE_COSTS, "psnr"]].mean().assign(seeds=points["seed"].nunique()).reset_index()
    keys = [
        (Condition(*row).sort_key(), exposure(sees), method, step)
        for *row, method, sees, step in records_of(means, [*CELL, "sees", "step"])
    ]
    order = sorted(range(len(keys)), key=keys.__getitem__)
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


def costs_of(drawn: pd.DataFrame) -> list[dict[str, Any]]:
    """Compute the training cost of a PSNR in each cell of one protocol; see ``summary``."""
    final = drawn.groupby(CELL)["psnr"].transform("last")
    lowest = final.groupby([drawn[name] for name in ROW]).transform("min")
    cells = drawn.assign(all_reach=lowest).groupby(CELL, sort=False)
    return [_costs_of_cell(points) for _, points in cells]


def _costs_of_cell(points: pd.DataFrame) -> dict[str, Any]:
    psnr, last = points["psnr"].tolist(), points.to_dict("records")[-1]
    line = {name: last[name] for name in (*CELL, "seeds", "psnr", *CURVE_COSTS)}
    levels = {f"within_{distance:g}": psnr[-1] - distance for distance in WITHIN}
    for name, level in (levels | {"all_reach": last["all_reach"]}).items():
        line[f"level_{name}"] = level
        for cost in CURVE_COSTS:
            line[f"{cost}_{name}"] = cost_to_reach(level, psnr, points[cost].tolist())
        line[f"at_first_{name}"] = psnr[0] >= level
    return line


def sample_of(drawn: pd.DataFrame) -> str:
    """Describe the test sets of curves, and their number of seeds."""
    fewest, most = min(drawn["seeds"]), max(drawn["seeds"])
    seeds = plural(most, "seed") if fewest == most else f"{fewest} to {most} seeds"
    return f"{', '.join(sorted(set(drawn['images'])))}, mean over {seeds}"


def name_of(condition: Condition, drawn: pd.DataFrame) -> str:
    """Describe a noise, and the test set if the curves are from several."""
    return str(condition) if len(set(drawn["images"])) > 1 else condition.noise_label
