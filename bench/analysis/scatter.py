"""Scatter of a cell's mean PSNR between training runs."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from scipy import stats

from bench.analysis.columns import noise_label
from bench.analysis.grouping import by_cell
from bench.analysis.intervals import LEVEL, student_quantile
from bench.analysis.score_grid import grid_of
from bench.analysis.supervision import trained

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import pandas as pd

NOTABLE = 0.05
"""Standard deviation of a set's mean PSNR between training runs that is notable, dB: the largest that
protocol 5 accepts."""

MOST_ALLOWED = 0.15
"""Largest difference between the scores of two training runs that is ever allowed, dB.

Two runs of a method whose standard deviation is 0.05 dB, the largest that protocol 5 accepts, differ by up to
0.14 dB in 95 % of cases. A number that retraining changes by more is none to compare methods by, and a wider
limit would confirm a wrong number.
"""


class Noise(NamedTuple):
    """A noise model with its parameter."""

    noise: str
    parameter: float

    def __str__(self) -> str:
        return noise_label(*self)


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


@dataclass(frozen=True)
class MethodScatter:
    """Scatter of one method on one test set: one for all noises, except those under which it is larger."""

    common: Scatter
    apart: Mapping[Noise, Scatter]

    def under(self, noise: Noise) -> Scatter:
        """Return the scatter under a noise."""
        return self.apart.get(noise, self.common)

    def __str__(self) -> str:
        apart = [f"{scatter.sd:.3f} under {noise}" for noise, scatter in self.apart.items()]
        brackets = f" ({', '.join(apart)})" if apart else ""
        return f"{self.common.sd:.3f}{brackets}"


def seed_scatter(scores: pd.DataFrame) -> dict[str, MethodScatter]:
    """Compute the scatter of cells' mean PSNRs between training seeds, for each method that is trained.

    The noise of the training and test images changes with the seed too, and is included.

    Args:
        scores: one line per image and seed of one test set and setup, with the columns of ``CELL``,
            ``image``, ``seed``, ``sees`` and ``psnr`` (dB). Cells of one seed do not count.

    Returns:
        The scatter by method; a method without two seeds of any cell is left out.

    Raises:
        InputError: as raised by ``mean_of`` for any cell.
    """
    runs: dict[str, dict[Noise, list[np.ndarray]]] = defaultdict(lambda: defaultdict(list))
    for cell, lines in by_cell(scores[scores["sees"].map(trained)]).items():
        means = grid_of(lines, of=f"{cell.method} on {cell.condition}").mean().to_numpy()
        runs[cell.method][Noise(cell.noise, cell.parameter)].append(means)
    found = {method: scatter_of(groups) for method, groups in runs.items()}
    return {method: scatter for method, scatter in found.items() if scatter}


def scatter_of(runs: Mapping[Noise, Sequence[np.ndarray]]) -> MethodScatter | None:
    """Pool the scatter of a method's training runs over the noises that agree.

    A noise is apart if its standard deviation is notable, and larger than that of the other noises by an F
    test, at a level at which none of them is in 95 % of cases if all are equal (Bonferroni). The most
    significant one is taken out of the pool first, and the others are tested again.

    Args:
        runs: for each noise, groups of training runs as for ``pooled``.

    Returns:
        None if no group has two training runs.
    """
    left = {noise: scatter for noise, groups in runs.items() if (scatter := pooled(groups))}
    if not left:
        return None
    level, apart = (1 - LEVEL) / len(left), {}
    while len(left) > 1:
        p = {noise: _p_larger(left, noise) for noise in left}
        noise = min(p, key=p.__getitem__)
        if p[noise] >= level or left[noise].sd <= NOTABLE:
            break
        apart[noise] = left.pop(noise)
    return MethodScatter(_pool(left.values()), apart)


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


def _p_larger(scatters: Mapping[Noise, Scatter], noise: Noise) -> float:
    """Test whether the variance under one noise is larger than under the others together."""
    one = scatters[noise]
    others = _pool([scatter for other, scatter in scatters.items() if other != noise])
    ratio = (one.sd / others.sd) ** 2 if others.sd else math.inf
    return float(stats.f.sf(ratio, one.degrees, others.degrees)) if one.sd else 1.0


def _pool(scatters: Iterable[Scatter]) -> Scatter:
    found = list(scatters)
    degrees = sum(scatter.degrees for scatter in found)
    squares = sum(scatter.degrees * scatter.sd**2 for scatter in found)
    return Scatter(math.sqrt(squares / degrees), degrees)
