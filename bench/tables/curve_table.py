"""The table of a cost curve: the training cost of a PSNR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.best import PRINTED_DIGITS
from bench.analysis.columns import Condition
from bench.output.markup import significant
from bench.output.text_table import TextTable
from bench.tables.caption import title
from bench.tables.cost_curve import CURVE_COSTS, WITHIN, costs_of, name_of, sample_of

if TYPE_CHECKING:
    from bench.analysis.columns import Setup


def curve_table(setup: Setup, drawn: pd.DataFrame) -> TextTable:
    """Make the table of training costs: a row per cell, with seconds and operations.

    Args:
        setup: the setup of the runs.
        drawn: the curves, as returned by ``average``.
    """
    header = ["noise", "method", "final PSNR", "whole training run"]
    header += [*(f"within {distance:g} dB" for distance in WITHIN), "PSNR that all reach", "cost of that"]
    lines = costs_of(drawn)
    note = (
        f"What a PSNR costs in training, seconds / TFLOP, on {sample_of(drawn)}: the whole training run, the "
        "part until it first comes within a distance of the method's final PSNR, and the part until it first "
        "reaches the lowest final PSNR under the noise; evaluation is not counted. Interpolated between "
        "evaluations, linearly in the logarithm of the cost; ≤: reached by the first evaluation."
    )
    rows = [_row(line, drawn) for line in lines]
    return TextTable(title(setup), header, rows, [note], pd.DataFrame(lines), left=2)


def _row(line: dict[str, Any], drawn: pd.DataFrame) -> list[str]:
    condition = Condition(line["noise"], line["parameter"], line["images"])
    costs = [_costs(line, which) for which in ("", *(f"_within_{distance:g}" for distance in WITHIN))]
    shared = [_decibel(line["level_all_reach"]), _costs(line, "_all_reach")]
    return [name_of(condition, drawn), line["method"], _decibel(line["psnr"]), *costs, *shared]


def _costs(line: dict[str, Any], which: str) -> str:
    bound = "≤ " if line.get(f"at_first{which}") else ""
    return bound + " / ".join(significant(line[cost + which]) for cost in CURVE_COSTS)


def _decibel(psnr: float) -> str:
    return f"{psnr:.{PRINTED_DIGITS['psnr']}f}"
