"""The table of before and after: the budget that each setup of a method takes to reach a PSNR."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.best import PRINTED_DIGITS
from bench.analysis.columns import CELL, Condition
from bench.analysis.grouping import by_cell
from bench.errors import InputError
from bench.output.markup import MISSING, significant
from bench.output.text_table import TextTable
from bench.tables.budget_curve import BUDGETS, COMPARED, NothingToCompareError, budget_to_reach
from bench.tables.cost_curve import sample_of
from bench.tables.method_costs import sharing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.tables.budget_curve import BudgetCurves, Reached

LINE = dict[Any, Any]


def before_after_table(
    curves: BudgetCurves, *, before: Mapping[str, str], level: float | None = None
) -> TextTable:
    """Make the table of the budget that each setup of a method takes to reach a PSNR.

    Args:
        curves: finished budgets; methods with a single setup under a noise are left out.
        before: settings of the setup that the others are compared with, by name; empty for the first setup.
        level: PSNR in dB; by default the lowest final PSNR of the method's setups.

    Raises:
        NothingToCompareError: no method has two setups.
        InputError: ``before`` does not name one of them.
    """
    cells = [part for part in by_cell(curves.trained).values() if len(set(part["setup"])) > 1]
    if not cells:
        raise NothingToCompareError(
            "there is no before and after: no method was trained in two setups under one noise"
        )
    groups = [_lines(part, before, level) for part in cells]
    setups = list(dict.fromkeys(curves.trained["setup"]))
    after = [setup for setup in setups if any(_is_after(line, setup) for group in groups for line in group)]
    bases = dict.fromkeys(group[0]["before"] for group in groups)
    goal = "the lowest PSNR with which a setup of the method ends" if level is None else "the given PSNR"
    reading = (
        f"Seconds / TFLOP / steps of training to reach {goal}, on {sample_of(curves.trained)}, interpolated "
        "between runs that finished, linearly in the logarithm of each cost. ≤: the shortest run reaches it "
        f"already. {MISSING}: not reached, not run, or the ratio is unknown."
    )
    seconds = f"Seconds: the median over the seeds, without evaluation{sharing(curves.core_shares)}."
    return TextTable(
        f"Before and after: {curves.heading}",
        ["noise", "test set", "method", "PSNR", *setups, *(f"{setup}: seconds / before" for setup in after)],
        [_row(group, setups, after) for group in groups],
        [reading, f"Before: {'; '.join(bases)}. {seconds}"],
        pd.DataFrame([line for group in groups for line in group]),
        left=3,
    )


def parse_before(texts: Sequence[str]) -> dict[str, str]:
    """Read settings, each as ``name=value``.

    Raises:
        InputError: one is not of this form, or names no setting that can differ between setups.
    """
    settings = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in COMPARED or not value:
            raise InputError(
                f"--before needs settings such as optimiser=adam, of {', '.join(COMPARED)}, "
                f"but was given {text!r}"
            )
        settings[name] = value
    return settings


def _lines(part: pd.DataFrame, before: Mapping[str, str], level: float | None) -> list[LINE]:
    setups = {str(name): curve for name, curve in part.groupby("setup", sort=False)}
    base = _find(setups, before)
    goal = min(curve["psnr"].iloc[-1] for curve in setups.values()) if level is None else level
    reached = {name: budget_to_reach(goal, curve) for name, curve in setups.items()}
    first: LINE = part.to_dict("records")[0]
    cell = {name: first[name] for name in CELL} | {"level": goal, "before": base}
    return [cell | {"setup": name} | _numbers(reached[name], reached[base]) for name in setups]


def _find(setups: Mapping[str, pd.DataFrame], before: Mapping[str, str]) -> str:
    records: dict[str, LINE] = {name: curve.to_dict("records")[0] for name, curve in setups.items()}
    found = [
        name
        for name, settings in records.items()
        if all(_is(settings[setting], text) for setting, text in before.items())
    ]
    if not found or (before and len(found) > 1):
        wanted = " ".join(f"{name}={value}" for name, value in before.items())
        raise InputError(
            f"--before {wanted} must name one of the setups {'; '.join(setups)}, but names {len(found)}"
        )
    return found[0]


def _is(value: Any, text: str) -> bool:
    try:
        return bool(value == type(value)(text))
    except ValueError:
        return False


def _numbers(reached: Reached | None, base: Reached | None) -> LINE:
    if reached is None:
        return dict.fromkeys([*BUDGETS, "ratio"], math.nan) | {"bound": False}
    # With only a bound of what it took before, nothing is known of the ratio, unless it is that of itself.
    known = base is not None and (not base.bound or base == reached)
    ratio = reached.seconds / base.seconds if base and known else math.nan
    return {name: getattr(reached, name) for name in BUDGETS} | {"ratio": ratio, "bound": reached.bound}


def _is_after(line: LINE, setup: str) -> bool:
    return bool(line["setup"] == setup != line["before"])


def _row(lines: Sequence[LINE], setups: Sequence[str], after: Sequence[str]) -> list[str]:
    first, of_setup = lines[0], {line["setup"]: line for line in lines}
    condition = Condition(first["noise"], first["parameter"], first["images"])
    level = f"{first['level']:.{PRINTED_DIGITS['psnr']}f}"
    costs = [_text(of_setup.get(setup), *BUDGETS) for setup in setups]
    ratios = [_text(of_setup.get(setup), "ratio") for setup in after]
    return [condition.noise_label, condition.images, first["method"], level, *costs, *ratios]


def _text(line: LINE | None, *names: str) -> str:
    if line is None or any(math.isnan(line[name]) for name in names):
        return MISSING
    return ("≤ " if line["bound"] else "") + " / ".join(significant(line[name]) for name in names)
