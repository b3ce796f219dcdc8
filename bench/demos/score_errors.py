"""Errors of a score field, over the plane and by density of the points."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import torch
from torch import Tensor

if TYPE_CHECKING:
    from bench.demos.mixture import Mixture

ScoreField = Callable[[Tensor], Tensor]
"""A score field: maps points (..., 2), in intensities, to s(y), the same shape, in 1 / intensity."""

CELLS = 300
REACH = 4.5
BINS = 16
DECADES = 4
"""Powers of ten below its peak down to which the density is binned."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells of equal area, so that expectations under a density are sums over cells.

    Attributes:
        points: centres of the cells, (CELLS, CELLS, 2), intensities; the first axis points upwards.
        mass: probabilities of the cells, (CELLS, CELLS), with sum 1.
        area: area of one cell, squared intensities.
    """

    points: Tensor
    mass: Tensor
    area: float

    @property
    def density(self) -> Tensor:
        """p(y) at the centres, (CELLS, CELLS)."""
        return self.mass / self.area

    def mean(self, values: Tensor) -> float:
        """Compute E[values], for values (CELLS, CELLS)."""
        return float((self.mass * values).sum())


def quadrature(mixture: Mixture) -> Grid:
    """Cover the components of a mixture, each to ``REACH`` standard deviations, with cells of equal area."""
    reach = REACH * torch.diagonal(mixture.covariances, dim1=1, dim2=2).sqrt()
    low, high = (mixture.means - reach).amin(dim=0), (mixture.means + reach).amax(dim=0)
    step = (high - low) / CELLS
    centres = torch.arange(CELLS, dtype=torch.float64)[:, None] + 0.5
    across, up = (low + step * centres).unbind(dim=1)
    points = torch.stack(torch.meshgrid(across, up, indexing="xy"), dim=-1)
    mass = mixture.log_density(points).exp()
    return Grid(points, mass / mass.sum(), float(step.prod()))


def relative_error(estimate: ScoreField, exact: ScoreField, grid: Grid) -> float:
    """Compute sqrt(E |estimate - exact|^2 / E |exact|^2) under the density of the grid."""
    truth = exact(grid.points)
    error = (estimate(grid.points) - truth).square().sum(dim=-1)
    return math.sqrt(grid.mean(error) / grid.mean(truth.square().sum(dim=-1)))


def errors_by_density(estimate: ScoreField, exact: ScoreField, grid: Grid) -> pd.DataFrame:
    """Compute the error of an estimate at each density.

    Returns:
        One row per density bin, from dense to sparse, logarithmically spaced: ``density`` (geometric
        mean), ``probability``, ``error`` (root mean square of estimate - exact, over that of exact in the
        whole plane) and ``local_error`` (over that of exact in the bin).
    """
    truth = exact(grid.points)
    overall = grid.mean(truth.square().sum(dim=-1))
    cells = pd.DataFrame(
        {
            "level": grid.density.log().flatten(),
            "mass": grid.mass.flatten(),
            "error": (estimate(grid.points) - truth).square().sum(dim=-1).flatten(),
            "square": truth.square().sum(dim=-1).flatten(),
        }
    )
    top = cells["level"].max()
    depth = (top - cells["level"]) / math.log(10) * BINS / DECADES
    cells = cells[depth < BINS]
    groups = cells.groupby(depth[depth < BINS].astype(int))
    error, square = groups["error"].mean(), groups["square"].mean()
    columns = {
        "density": groups["level"].mean().map(math.exp),
        "probability": groups["mass"].sum(),
        "error": (error / overall) ** 0.5,
        "local_error": (error / square) ** 0.5,
    }
    return pd.DataFrame(columns).reset_index(drop=True)
