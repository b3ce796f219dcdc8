"""The recommended method: the best self-supervised one under each noise, and its lead."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.best import best_methods
from bench.analysis.columns import CELL, CellKey, Condition
from bench.analysis.grouping import by_cell, by_condition, records_of
from bench.analysis.paired import difference_of
from bench.tables.paired_differences import format_difference

if TYPE_CHECKING:
    import pandas as pd


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
    rows = by_condition(done).items()
    return [_recommendation(condition, row, parts, baseline) for condition, row in rows if _best(row)]


def _recommendation(
    condition: Condition, row: pd.DataFrame, parts: dict[CellKey, pd.DataFrame], baseline: str | None
) -> Recommendation:
    best = _best(row)
    second = _best(row[row["method"] != best])
    psnr, flops = (dict(zip(row["method"], row[name], strict=True)) for name in ("psnr", "training_flops"))
    return Recommendation(
        label=condition.noise_label,
        images=condition.images,
        method=best,
        psnr=psnr[best],
        second=second,
        lead=_difference(condition, best, second, parts),
        cost=flops[best] / flops[second] if second else math.nan,
        gap=_difference(condition, best, baseline, parts),
    )


def _difference(
    condition: Condition, method: str, other: str | None, parts: dict[CellKey, pd.DataFrame]
) -> str:
    """Format the paired difference of two methods; "" if the other has no scores."""
    theirs = parts.get(CellKey(*condition, other or ""))
    if theirs is None:
        return ""
    return format_difference(difference_of(parts[CellKey(*condition, method)], theirs))


def _best(row: pd.DataFrame) -> str:
    """Return the best self-supervised method; "" if there is none."""
    psnr, sees = (dict(zip(row["method"], row[name], strict=True)) for name in ("psnr", "sees"))
    return next(iter(best_methods(psnr, sees)), "")
