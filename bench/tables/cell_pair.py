"""A cell of two folders of results: compared if both have it, listed if only one does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.analysis.columns import CELL
from bench.analysis.comparability import SAME_SCORE
from bench.analysis.means import Mean, mean_of
from bench.analysis.scatter import MOST_ALLOWED
from bench.analysis.sign_flips import ALPHA
from bench.output.markup import format_number
from bench.tables.paired_differences import format_difference

if TYPE_CHECKING:
    import pandas as pd

    from bench.analysis.columns import CellKey
    from bench.analysis.paired import Difference

WITHIN, BEYOND = "within run-to-run variance", "beyond run-to-run variance"
COMPARISON_HEADER = ["noise", "test set", "method", "A (dB)", "B (dB)", "B − A (dB)", "p", "seeds", "code"]
COMPARISON_HEADER += ["seconds B/A", "verdict"]
COMPARISON_COLUMNS = [
    *CELL,
    "psnr_a",
    "psnr_b",
    "difference",
    "low",
    "high",
    "p",
    "n_images",
    "n_seeds",
    "code",
]
COMPARISON_COLUMNS += ["seconds_ratio", "verdict"]


@dataclass(frozen=True)
class CellPair:
    """A cell that A and B share: the scores of their common seeds, and the difference of B minus A.

    Attributes:
        code: whether the method's file is the ``same`` in both, or ``changed``.
        retraining: how far two training runs of the method may differ by their scatter between seeds, dB;
            NaN if no cell of the method has two seeds.
    """

    cell: CellKey
    a: pd.DataFrame
    b: pd.DataFrame
    difference: Difference
    code: str
    retraining: float

    @property
    def verdict(self) -> str:
        """The conclusion from the scores, in a few words."""
        psnr, other = (lines.set_index(["image", "seed"])["psnr"] for lines in (self.a, self.b))
        if ((other - psnr).abs() <= SAME_SCORE).all():
            return "same"
        apart = abs(self.difference.mean)
        if self._is_same_run:
            allowed = MOST_ALLOWED if math.isnan(self.retraining) else min(self.retraining, MOST_ALLOWED)
            return WITHIN if apart <= allowed else BEYOND
        if not self.difference.p < ALPHA:  # NaN for a single image
            return "no difference shown"
        if apart <= self.retraining:
            return WITHIN
        return "better" if self.difference.mean > 0 else "worse"

    @property
    def _is_same_run(self) -> bool:
        """Whether B repeats the training runs of A: one code, one precision, and the seeds of this pair."""
        return self.code == "same" and set(self.a["precision"]) == set(self.b["precision"])

    @property
    def seconds_ratio(self) -> float:
        """Ratio of training seconds, B over A; NaN if nothing was trained."""
        a, b = (float(lines["training_seconds"].mean()) for lines in (self.a, self.b))
        return b / a if a else math.nan

    def row(self) -> list[str]:
        """Format the pair as a row, in the order of ``COMPARISON_HEADER``."""
        stub = [self.cell.condition.noise_label, self.cell.images, self.cell.method]
        means = [f"{mean_of(lines).value:.2f}" for lines in (self.a, self.b)]
        tested = [format_difference(self.difference), format_number(self.difference.p, ".2g")]
        ratio = format_number(self.seconds_ratio, ".2f")
        return [*stub, *means, *tested, str(self.difference.seeds), self.code, ratio, self.verdict]

    def numbers(self) -> list[Any]:
        """Return the numbers, in the order of ``COMPARISON_COLUMNS``."""
        means = [mean_of(lines).value for lines in (self.a, self.b)]
        found = vars(self.difference).values()
        return [*self.cell, *means, *found, self.code, self.seconds_ratio, self.verdict]


@dataclass(frozen=True)
class LoneCell:
    """A finished cell that cannot be compared.

    Attributes:
        side: ``A`` or ``B``, the side that has it.
        seeds: seeds of its runs.
        verdict: reason why it cannot be compared.
    """

    cell: CellKey
    side: str
    mean: Mean
    seeds: list[int]
    verdict: str

    @property
    def heading(self) -> str:
        """The reason why it is listed, and its method."""
        return f"{self.verdict}: {self.cell.method}"

    @property
    def text(self) -> str:
        """The noise and test set, the mean and the seeds."""
        noun = "seeds" if len(self.seeds) > 1 else "seed"
        seeds = ", ".join(map(str, self.seeds))
        return f"{self.cell.condition}: {self.mean.value:.2f} dB in {self.side}, {noun} {seeds}"

    def numbers(self) -> list[Any]:
        """Return the numbers, in the order of ``COMPARISON_COLUMNS``."""
        psnr = [self.mean.value, math.nan] if self.side == "A" else [math.nan, self.mean.value]
        unknown = [math.nan] * 4
        counts = [self.mean.images, self.mean.seeds]
        return [*self.cell, *psnr, *unknown, *counts, "", math.nan, self.verdict]
