"""Which method to pick: the best self-supervised one under each noise, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.analysis.columns import CELL, parts_of
from bench.analysis.statistics import difference_of
from bench.report.numbers import rows_of
from bench.tables.paired_differences import format_difference

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Pick:
    """The self-supervised method of highest mean PSNR on one noise and test set.

    Args:
        label: of the noise.
        images: the test set.
        method: the best.
        psnr: its mean, dB.
        second: the next best; "" where there is none.
        lead: the paired difference to it with its interval, as text.
        cost: operations of training, over the second's; NaN without one.
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


def picks(numbers: pd.DataFrame, scores: pd.DataFrame, baseline: str | None) -> list[Pick]:
    """Pick the best self-supervised method of each row.

    Args:
        numbers: cells, as by ``cells``; failed ones are never picked.
        scores: one line per run and test image, of the same runs.
        baseline: the method that the gap is to, if there is one.
    """
    finished = numbers[(numbers["status"] == "done") & numbers["self_supervised"]]
    parts = parts_of(scores, CELL) if len(scores) else {}
    done = set(numbers.loc[numbers["status"] == "done", CELL].itertuples(index=False, name=None))
    return [
        _pick(place, row, {cell: part for cell, part in parts.items() if cell in done}, baseline)
        for place, row in rows_of(finished)
    ]


def _pick(
    place: tuple[Any, ...],
    row: pd.DataFrame,
    parts: dict[tuple[Any, ...], pd.DataFrame],
    baseline: str | None,
) -> Pick:
    ranked: Any = row.sort_values("psnr", ascending=False)
    best, second = next(ranked.itertuples()), next(ranked.iloc[1:].itertuples(), None)

    def difference(other: str | None) -> str:
        pair = parts.get((*place, other))
        return "" if pair is None else format_difference(difference_of(parts[*place, best.method], pair))

    return Pick(
        best.label,
        best.images,
        best.method,
        best.psnr,
        second.method if second else "",
        difference(second.method if second else None),
        best.training_flops / second.training_flops if second else float("nan"),
        difference(baseline),
    )
