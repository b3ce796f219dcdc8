"""The table of PSNR at equal operations, from finished training runs of different lengths."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.best import PRINTED_DIGITS
from bench.analysis.columns import ROW, Condition
from bench.analysis.grouping import by_condition, group_by
from bench.output.markup import MISSING, significant
from bench.output.text_table import TextTable
from bench.tables.budget_curve import COMPARED, NothingToCompareError, psnr_at
from bench.tables.cost_curve import sample_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.tables.budget_curve import BudgetCurves

INTERPOLATED = "~"
LINE = dict[Any, Any]


def equal_operations_table(curves: BudgetCurves) -> TextTable:
    """Make the table of the PSNR of each method at the most operations that all methods reached.

    Args:
        curves: finished budgets; the methods of one setup, noise and test set are compared.

    Raises:
        NothingToCompareError: nowhere have two methods finished runs on both sides of a number of operations.
    """
    rows = [[_line(curve, part) for curve in _by_method(part)] for part in _compared(curves.points)]
    if not any(sum(line["steps_above"] > 0 for line in lines) > 1 for lines in rows):
        raise NothingToCompareError(_advice(rows))
    methods = list(dict.fromkeys(line["method"] for lines in rows for line in lines))
    named = any(line["setup"] for lines in rows for line in lines)
    reading = (
        f"PSNR (dB) on {sample_of(curves.points)}, at the most training operations that every trained method "
        "of the row reached. Untrained methods need none."
    )
    signs = (
        f"{INTERPOLATED}: interpolated between two runs that finished, linearly in the logarithm of the "
        f"operations. {MISSING}: no finished run with so few operations, or none at all."
    )
    return TextTable(
        f"PSNR at equal operations: {curves.heading}",
        ["noise", "test set", *(["setup"] if named else []), "TFLOP", *methods],
        [_row(lines, methods, named=named) for lines in rows],
        [reading, signs],
        pd.DataFrame([line for lines in rows for line in lines]),
        left=3 if named else 2,
    )


def _compared(points: pd.DataFrame) -> list[pd.DataFrame]:
    """Group the points by noise, test set and setup, each with all untrained methods."""
    parts = []
    for row in by_condition(points).values():
        untrained, trained = row[row["tflop"] == 0], row[row["tflop"] > 0]
        parts += [pd.concat([untrained, part]) for part in group_by(trained, COMPARED).values()]
    return parts


def _by_method(part: pd.DataFrame) -> list[pd.DataFrame]:
    return [curve for _, curve in part.groupby("method", sort=False)]


def _line(curve: pd.DataFrame, part: pd.DataFrame) -> LINE:
    longest = part.groupby("method")["tflop"].max()
    most = float(longest[longest > 0].min())
    found = psnr_at(most, curve)
    first: LINE = curve.to_dict("records")[0]
    setup = str(part["setup"].iloc[-1])  # untrained methods, which have none, are first
    return {name: first[name] for name in ROW} | {
        "setup": setup,
        "method": first["method"],
        "tflop": most,
        "psnr": found.psnr if found else math.nan,
        "steps_below": found.below if found else 0,
        "steps_above": found.above if found else 0,
        "fewest_steps": first["steps"],
        "fewest_tflop": first["tflop"],
    }


def _advice(rows: Sequence[Sequence[LINE]]) -> str:
    for lines in rows:
        steps = {
            line["method"]: math.floor(line["fewest_steps"] * line["tflop"] / line["fewest_tflop"])
            for line in lines
            if line["fewest_tflop"] > line["tflop"]
        }
        if steps:
            condition = Condition(*(lines[0][name] for name in ROW))
            return (
                f"there is nothing to compare at equal operations: on {condition} every trained method "
                f"reached {significant(lines[0]['tflop'])} TFLOP, but the shortest runs of "
                f"{', '.join(steps)} took more; `noisebench run --steps {max(1, min(steps.values()))}` makes "
                "runs that are short enough"
            )
    return "there is nothing to compare at equal operations: under no noise were two methods trained alike"


def _row(lines: Sequence[LINE], methods: Sequence[str], *, named: bool) -> list[str]:
    first, of_method = lines[0], {line["method"]: line for line in lines}
    label = Condition(*(first[name] for name in ROW)).noise_label
    cells = [_psnr(of_method.get(method)) for method in methods]
    setup = [first["setup"]] if named else []
    return [label, first["images"], *setup, significant(first["tflop"]), *cells]


def _psnr(line: LINE | None) -> str:
    if line is None or math.isnan(line["psnr"]):
        return MISSING
    sign = INTERPOLATED if line["steps_below"] < line["steps_above"] else ""
    return f"{sign}{line['psnr']:.{PRINTED_DIGITS['psnr']}f}"
