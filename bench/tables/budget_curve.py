"""PSNR against budget: finished training runs of different lengths, one line per method and setup.

The learning rate decays to zero over a run, so that a network in the middle of a long run scores less than
one after a short run. So a short budget is that of a short run that finished, never the middle of a long one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from bench.analysis.columns import CELL, NOISY, ROW, SETUP_COLUMNS, Condition, require
from bench.analysis.comparability import check_comparable, check_same_noisy_images
from bench.analysis.grouping import by_condition, by_setup, group_by, records_of
from bench.analysis.supervision import exposure
from bench.errors import InputError
from bench.settings import SETTING_COLUMNS
from bench.tables.caption import CHANNELS
from bench.tables.cost_curve import cost_to_reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BUDGETS = ["seconds", "tflop", "steps"]
COMPARED = [name for name in SETTING_COLUMNS if name not in ("channels", "steps")]
"""Settings that may differ between the lines of a figure."""
SHARED = [name for name in SETUP_COLUMNS if name not in (*COMPARED, "steps")]
"""Settings that all lines of a figure share."""
BUDGET_COLUMNS = ["key", "seed", "image", "sees", "precision", *SETUP_COLUMNS, *CELL, "psnr", *NOISY]
BUDGET_COLUMNS += ["training_seconds", "training_flops", "core_share"]
POINTS = [*ROW, "line", "method", "setup", "seeds", *BUDGETS, "psnr"]
CURVE = ["line", *ROW]


class NothingToCompareError(InputError):
    """Runs of which no two can be compared as asked."""


@dataclass(frozen=True)
class BudgetCurves:
    """The curves of one figure.

    Args:
        heading: the settings that all runs share, in one line.
        points: one line per finished budget, with the columns ``POINTS`` and ``COMPARED``; by noise, line
            and number of steps. ``setup`` names the settings that differ, ``line`` the method too. Untrained
            methods have 0 steps and operations.
        core_shares: the shares of a core of all trained runs; NaN if it was not recorded.
    """

    heading: str
    points: pd.DataFrame
    core_shares: tuple[float, ...]

    @property
    def trained(self) -> pd.DataFrame:
        """The points of trained methods."""
        return self.points[self.points["tflop"] > 0]


def budget_curves(scores: pd.DataFrame) -> list[BudgetCurves]:
    """Average finished runs over images and seeds, and group them by what can be drawn together.

    Under each noise and test set, only the seeds that all budgets of all lines have are averaged.

    Args:
        scores: one line per run and test image, with ``BUDGET_COLUMNS``.

    Returns:
        The curves with at least two lines or two budgets, by ``SHARED`` settings.

    Raises:
        NothingToCompareError: there are none.
        InputError: scores of one figure cannot be compared.
    """
    runs = require(scores, columns=BUDGET_COLUMNS, nullable=["core_share"])
    groups = [group for group in group_by(runs, SHARED).values() if _budgets(group) > 1]
    if not groups:
        raise NothingToCompareError(
            "there is only one budget; train shorter or longer runs into the same folder, with "
            "`noisebench run --steps N`"
        )
    return [_curves(group) for group in groups]


def _budgets(runs: pd.DataFrame) -> int:
    trained = runs[runs["training_flops"] > 0]
    return len(trained[[*COMPARED, "steps"]].drop_duplicates())


def _curves(runs: pd.DataFrame) -> BudgetCurves:
    for group in by_setup(runs).values():
        check_comparable(group)
    check_same_noisy_images(runs)
    _check_precision(runs)
    differing = [name for name in COMPARED if len(set(runs[name])) > 1]
    trained = runs[runs["training_flops"] > 0].drop_duplicates("key")
    shares = tuple(trained["core_share"].astype(float))
    return BudgetCurves(_heading(runs, differing), _points(_named(runs, differing)), shares)


def _check_precision(runs: pd.DataFrame) -> None:
    for (method, *_), line in group_by(runs, ["method", *COMPARED, *ROW]).items():
        if len(found := set(line["precision"])) > 1:
            raise InputError(f"the budgets of {method} mix runs in {' and '.join(sorted(found))}")


def _named(runs: pd.DataFrame, differing: list[str]) -> pd.DataFrame:
    texts = [_describe(zip(differing, row, strict=True)) for row in runs[differing].to_numpy().tolist()]
    setup = pd.Series(texts, index=runs.index).where(runs["training_flops"] > 0, "")
    line = runs["method"] + setup.map(lambda text: f", {text}" if text else "")
    return runs.assign(setup=setup, line=line)


def _describe(settings: Iterable[tuple[str, Any]]) -> str:
    return ", ".join(
        value if isinstance(value, str) else f"{name.replace('_', ' ')} {value:g}" for name, value in settings
    )


def _heading(runs: pd.DataFrame, differing: Sequence[str]) -> str:
    first = runs.iloc[0]
    same = [(name, first[name]) for name in COMPARED if name not in differing]
    channels = CHANNELS.get(first["channels"], f"{first['channels']} channels")
    parts = [first["training_images"], channels, *filter(None, [_describe(same)])]
    return ", ".join(
        [*parts, f"{first['training_noise']} noise", first["device"], f"protocol {first['protocol']}"]
    )


def _points(runs: pd.DataFrame) -> pd.DataFrame:
    runs = _without_repeats(runs)
    runs = runs[_has_shared_seed(runs)]
    at = [*CURVE, "method", "setup", "sees", *COMPARED, "steps"]
    of_seed = runs.assign(seconds=runs["training_seconds"], tflop=runs["training_flops"] / 1e12)
    seeds = of_seed.groupby([*at, "seed"])[["seconds", "tflop", "psnr"]].mean().groupby(at)
    points = seeds[["tflop", "psnr"]].mean().assign(seconds=seeds["seconds"].median(), seeds=seeds.size())
    return _sorted(points.reset_index())[[*POINTS, *COMPARED]]


def _without_repeats(runs: pd.DataFrame) -> pd.DataFrame:
    """Keep the scores of an untrained method once; they are the same at every number of steps and setup."""
    trained = runs["training_flops"] > 0
    once = runs[~trained].drop_duplicates([*CURVE, "seed", "image"])
    alike = {name: value for name, value in runs.iloc[0].items() if name in COMPARED}
    return pd.concat([runs[trained], once.assign(**alike, steps=0)])


def _sorted(points: pd.DataFrame) -> pd.DataFrame:
    columns = [[*ROW], ["sees"], ["method"], COMPARED, ["steps"]]
    keys = [
        (Condition(*row).sort_key(), exposure(*sees), *others)
        for row, sees, *others in zip(*(records_of(points, names) for names in columns), strict=True)
    ]
    return points.iloc[sorted(range(len(keys)), key=keys.__getitem__)].reset_index(drop=True)


def _has_shared_seed(runs: pd.DataFrame) -> pd.Series[bool]:
    """Check for each line whether all budgets under its noise and test set have its seed."""
    budgets = runs.groupby([*CURVE, "steps"]).ngroup().rename("budget")
    with_budget = runs.assign(budget=budgets)
    have = with_budget.groupby([*ROW, "seed"])["budget"].transform("nunique")
    shared = have == with_budget.groupby(ROW)["budget"].transform("nunique")
    for condition, part in by_condition(runs.assign(shared=shared)).items():
        if not part["shared"].any():
            raise InputError(f"the budgets on {condition} have no seed in common")
    return shared


class AtBudget(NamedTuple):
    """A PSNR at some budget, and the steps of the finished runs below and above, equal if one run has it."""

    psnr: float
    below: int
    above: int


def psnr_at(tflop: float, curve: pd.DataFrame) -> AtBudget | None:
    """Interpolate the PSNR of one line at a number of operations, linearly in the operations' logarithm.

    Args:
        tflop: operations, in TFLOP.
        curve: the line's points, by increasing operations.

    Returns:
        None if the line has no finished run on both sides.
    """
    cost, psnr, steps = (curve[name].tolist() for name in ("tflop", "psnr", "steps"))
    if cost[-1] == 0:
        return AtBudget(psnr[-1], 0, 0)
    if not cost[0] <= tflop <= cost[-1]:
        return None
    above = next(place for place, value in enumerate(cost) if value >= tflop)
    below = above if cost[above] == tflop else above - 1
    found = float(np.interp(math.log(tflop), np.log(cost), psnr))
    return AtBudget(found, int(steps[below]), int(steps[above]))


class Reached(NamedTuple):
    """The budget with which a line reaches a PSNR; an upper bound if its shortest run reaches it already."""

    seconds: float
    tflop: float
    steps: float
    bound: bool


def budget_to_reach(level: float, curve: pd.DataFrame) -> Reached | None:
    """Interpolate the budget with which a line first reaches a PSNR, linearly in the budget's logarithm.

    Args:
        level: PSNR in dB.
        curve: the line's points, by increasing steps.

    Returns:
        None if none of its runs reaches it.
    """
    psnr = curve["psnr"].tolist()
    if max(psnr) < level:
        return None
    seconds, tflop, steps = (cost_to_reach(level, psnr, curve[cost].tolist()) for cost in BUDGETS)
    return Reached(seconds, tflop, steps, bound=psnr[0] >= level)
