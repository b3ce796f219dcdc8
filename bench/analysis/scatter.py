"""Scatter of a cell's mean PSNR between training runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.columns import CELL
from bench.analysis.grouping import by_cell
from bench.analysis.intervals import student_quantile
from bench.analysis.score_grid import grid_of
from bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Scatter:
    """Standard deviation of a set's mean PSNR from one training run to another, in dB."""

    sd: float
    degrees: int

    def retraining(self, numbers: int = 1) -> float:
        """Return how far the mean PSNRs of two training runs may differ, dB.

        This is the half-width of Student's interval of their difference, at a level at which *all* of
        ``numbers`` differences are within their intervals in 95 % of cases, however they depend on each other
        (Bonferroni).
        """
        return student_quantile(self.degrees, numbers) * self.sd * math.sqrt(2)


def seed_scatter(scores: pd.DataFrame) -> Scatter:
    """Pool the standard deviations of the cells' mean PSNRs between training seeds.

    The noise of the training and test images changes with the seed too, and is included. Cells of one
    training run on several test sets are correlated, so that ``degrees`` then overstates their information.

    Args:
        scores: one line per image and seed of any number of cells of one protocol, with the columns of
            ``CELL``, ``image``, ``seed`` and ``psnr`` (dB). Cells of one seed do not count.

    Raises:
        InputError: as raised by ``mean_of`` for any cell, or no cell has two seeds.
    """
    cells = [
        grid_of(lines, of=f"{cell.method} on {cell.condition}").mean().to_numpy()
        for cell, lines in by_cell(scores).items()
    ]
    scatter = pooled(cells)
    if scatter is None:
        raise InputError(
            f"none of {len(cells)} cells has two seeds, so none shows the scatter of training runs"
        )
    return scatter


def pooled(groups: Sequence[np.ndarray]) -> Scatter | None:
    """Pool the standard deviations of training runs' mean PSNRs about the means of their groups.

    Args:
        groups: mean PSNRs of at least one training run each, (runs,), dB; group means may differ.

    Returns:
        None if no group has two training runs.
    """
    degrees = sum(group.size - 1 for group in groups)
    if not degrees:
        return None
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    return Scatter(math.sqrt(squares / degrees), degrees)


def shows_scatter(scores: pd.DataFrame) -> bool:
    """Check whether any cell has two seeds, so that ``seed_scatter`` is defined."""
    return bool(scores[[*CELL, "seed"]].drop_duplicates().duplicated(CELL).any())
