"""The recommended method: the best self-supervised one under each noise, and its lead."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from bench.analysis.best import Rivalry, rivalry
from bench.analysis.columns import CELL, CellKey, Condition
from bench.analysis.grouping import by_cell, by_condition, records_of
from bench.analysis.paired import difference_of
from bench.analysis.supervision import self_supervised
from bench.report.numbers import format_gap
from bench.tables.paired_differences import format_difference


@dataclass(frozen=True)
class Recommendation:
    """The self-supervised method with the highest mean PSNR on one noise and test set.

    Args:
        label: label of the noise.
        images: the test set.
        method: the best method.
        psnr: its mean PSNR, dB.
        second: the second best method; "" if there is none.
        lead: the paired difference to the second best with its interval, as text.
        cost: training operations relative to those of the second best; NaN without one.
        gap: the paired difference to the baseline, as text; "" without one.
    """

    label: str
    images: str
    method: str
    psnr: float
    second: str
    lead: str
    cost: float
    gap: str


def recommend(numbers: pd.DataFrame, scores: pd.DataFrame, baseline: str | None) -> list[Recommendation]:
    """Recommend the best self-supervised method of each row.

    Args:
        numbers: cells, as returned by ``cells``; failed ones are never recommended.
        scores: scores of the same runs, one line per run and test image.
        baseline: the method to which the gap is measured, if there is one.
    """
    done = numbers[numbers["status"] == "done"]
    keys = {CellKey(*key) for key in records_of(done, CELL)}
    parts = {key: lines for key, lines in by_cell(scores).items() if key in keys}
    if not parts:
        return []
    rivals = rivalry(pd.concat(parts.values()))
    rows = by_condition(done).items()
    return [
        _recommendation(condition, row, parts, rivals, baseline) for condition, row in rows if _ranked(row)
    ]


def _recommendation(
    condition: Condition,
    row: pd.DataFrame,
    parts: dict[CellKey, pd.DataFrame],
    rivals: Rivalry,
    baseline: str | None,
) -> Recommendation:
    best, second, *_ = [*_ranked(row), ""]
    psnr, flops = (dict(zip(row["method"], row[name], strict=True)) for name in ("psnr", "training_flops"))
    return Recommendation(
        label=condition.noise_label,
        images=condition.images,
        method=best,
        psnr=psnr[best],
        second=second,
        lead=_lead(condition, best, second, parts, rivals) if second else "",
        cost=flops[best] / flops[second] if second else math.nan,
        gap=_gap(row[row["method"] == best]) if baseline else "",
    )


def _lead(
    condition: Condition, best: str, second: str, parts: dict[CellKey, pd.DataFrame], rivals: Rivalry
) -> str:
    """Format the paired difference of the two best, which is significant where the second is not bold."""
    pair = difference_of(*(parts[CellKey(*condition, method)] for method in (best, second)))
    return format_difference(replace(pair, p=rivals.p[CellKey(*condition, second)]))


def _gap(cell: pd.DataFrame) -> str:
    """Format the paired difference to the baseline; "" if that has no scores."""
    line: Any = next(cell.itertuples())
    return "" if math.isnan(line.gap) else format_gap(line)


def _ranked(row: pd.DataFrame) -> list[str]:
    """Return the self-supervised methods, best first."""
    rivals = row[row["sees"].map(self_supervised)]
    return list(rivals.sort_values("psnr", ascending=False, kind="stable")["method"])
