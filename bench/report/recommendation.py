"""The recommended method: the best self-supervised one under each noise, and by how much."""

from __future__ import annotations

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
    """The self-supervised method of highest mean PSNR on one noise and test set.

    Args:
        label: of the noise.
        images: the test set.
        method: the best.
        psnr: its mean, dB.
        second: the next best; "" where there is none.
        lead: the paired difference to it with its interval, as text.
        cost: operations of training, relative to the second's; NaN without one.
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
        numbers: cells, as by ``cells``; failed ones are never recommended.
        scores: one line per run and test image, of the same runs.
        baseline: the method that the gap is to, if there is one.
    """
    finished = numbers[(numbers["status"] == "done") & numbers["self_supervised"]]
    done = {CellKey(*key) for key in records_of(numbers[numbers["status"] == "done"], CELL)}
    parts = {key: lines for key, lines in by_cell(scores).items() if key in done}
    return [
        _recommendation(condition, row, parts, baseline) for condition, row in by_condition(finished).items()
    ]


def _recommendation(
    condition: Condition, row: pd.DataFrame, parts: dict[CellKey, pd.DataFrame], baseline: str | None
) -> Recommendation:
    best = _best(row)
    second = _best(row[row["method"] != best])
    psnr, flops = (dict(zip(row["method"], row[name], strict=True)) for name in ("psnr", "training_flops"))

    def difference(other: str | None) -> str:
        pair = parts.get(CellKey(*condition, other or ""))
        ours = parts[CellKey(*condition, best)]
        return "" if pair is None else format_difference(difference_of(ours, pair))

    return Recommendation(
        condition.noise_label,
        condition.images,
        best,
        psnr[best],
        second,
        difference(second),
        flops[best] / flops[second] if second else float("nan"),
        difference(baseline),
    )


def _best(row: pd.DataFrame) -> str:
    psnr, sees = (dict(zip(row["method"], row[name], strict=True)) for name in ("psnr", "sees"))
    return next(iter(best_methods(psnr, sees)), "")
