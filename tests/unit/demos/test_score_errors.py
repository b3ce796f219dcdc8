"""Errors of score fields: quadrature over the plane, and by density."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.demos.mixture import example_mixture
from bench.demos.mixture_score import SIGMA
from bench.demos.score_errors import errors_by_density, quadrature

if TYPE_CHECKING:
    from bench.demos.mixture_score import ScoreDemo

NOISY = example_mixture().blurred(SIGMA / 255)


def test_quadrature_integrates_to_one_and_satisfies_stein_s_identity():
    """Stein: E[s] = 0 and E[s . (y - E y)] = -2 in the plane."""
    grid, score = quadrature(NOISY), NOISY.score(quadrature(NOISY).points)
    assert float(NOISY.log_density(grid.points).exp().sum()) * grid.area == pytest.approx(1, abs=1e-4)
    mean = NOISY.weights @ NOISY.means
    assert grid.mean((score * (grid.points - mean)).sum(dim=-1)) == pytest.approx(-2, abs=1e-3)
    assert abs(grid.mean(score[..., 0])) < 1e-3


def test_errors_by_density_add_up_to_the_relative_error(half_budget_demo: ScoreDemo):
    rows = half_budget_demo.by_density
    assert (np.diff(rows["density"]) < 0).all()
    assert rows["probability"].sum() == pytest.approx(1, abs=2e-3)
    # Within a bin the cells count alike, not by their mass, so that this is close but not equal.
    total = float((rows["probability"] * rows["error"] ** 2).sum()) ** 0.5
    assert total == pytest.approx(half_budget_demo.relative_error, rel=0.1)


def test_errors_of_a_scaled_score_are_its_scale_at_every_density():
    rows = errors_by_density(lambda places: 1.1 * NOISY.score(places), NOISY.score, quadrature(NOISY))
    np.testing.assert_allclose(rows["local_error"], 0.1, rtol=1e-9)
