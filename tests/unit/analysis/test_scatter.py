"""How far training runs of one cell scatter."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.analysis.scatter import Scatter, pooled, seed_scatter
from bench.errors import InputError
from tests.support.results.score_lines import cell_lines, normal, shuffled


def test_scatter_of_two_seeds_by_hand():
    found = seed_scatter(cell_lines([[30.0, 30.3], [28.0, 27.9]]))
    assert found.sd == pytest.approx(abs(29.0 - 29.1) / math.sqrt(2))
    assert found.degrees == 1
    assert found.retraining() == pytest.approx(12.7062 * 0.1, rel=1e-5)


def test_scatter_is_pooled_over_the_cells_of_several_seeds():
    cells = [normal(4, 3, rng=0), normal(4, 2, rng=1) + 3, normal(6, 5, rng=2) - 3, normal(4, 1, rng=3)]
    where = [{}, {"parameter": 50.0}, {"images": "bsd68"}, {"method": "supervised"}]
    scores = pd.concat([cell_lines(psnr, **place) for psnr, place in zip(cells, where, strict=True)])
    found = seed_scatter(scores)
    parts = [psnr.mean(axis=0).var(ddof=1) for psnr in cells[:3]]
    assert found.degrees == 2 + 1 + 4
    assert found.sd == pytest.approx(math.sqrt(np.dot([2, 1, 4], parts) / 7), rel=1e-9)
    assert seed_scatter(shuffled(scores)) == found


def test_scatter_recovers_what_it_was_drawn_with():
    """400 degrees of freedom: a standard error of 3.5 %."""
    rng = np.random.default_rng(0)
    cells = [normal(5, 5, of_seed=0.1, rest=0.1, rng=rng) for _ in range(100)]
    scores = [cell_lines(psnr, parameter=float(number)) for number, psnr in enumerate(cells)]
    found = seed_scatter(pd.concat(scores))
    assert found.degrees == 400
    assert found.sd == pytest.approx(math.sqrt(0.1**2 + 0.1**2 / 5), rel=0.1)
    assert found.retraining() == pytest.approx(1.96 * math.sqrt(2) * found.sd, rel=0.01)


def test_pooled_by_hand():
    assert pooled([np.array([30.0, 30.2]), np.array([25.0]), np.array([20.0, 20.3, 20.6])]) == Scatter(
        pytest.approx(math.sqrt((0.02 + 0.18) / 3)), 3
    )
    assert pooled([np.array([30.0]), np.array([25.0])]) is None
    assert pooled([]) is None


def test_two_training_runs_differ_by_students_interval_wider_where_several_numbers_must_hold():
    scatter = Scatter(sd=0.01, degrees=6)
    assert scatter.retraining() == pytest.approx(2.446912 * 0.01 * math.sqrt(2), rel=1e-6)
    # .05 over 6 numbers, half of it at either side.
    assert scatter.retraining(6) == pytest.approx(float(stats.t.isf(0.05 / 12, 6)) * 0.01 * math.sqrt(2))


@pytest.mark.parametrize("numbers", [1, 6])
def test_all_intervals_together_hold_the_truth_in_95_percent_of_cases(numbers: int):
    """Each number has a scatter of its own, so that little more than Bonferroni's bound is met."""
    rng = np.random.default_rng(numbers)
    held = []
    for _ in range(3000):
        sds = 0.01 * (1 + np.arange(numbers))
        scatters = [pooled([*rng.normal(scale=sd, size=(6, 2))]) for sd in sds]
        apart = rng.normal(scale=math.sqrt(2) * sds)
        held.append(all(abs(apart) <= [scatter.retraining(numbers) for scatter in scatters]))
    # Six independent ones in 95.1 %; the standard error is .4 %.
    assert np.mean(held) == pytest.approx((1 - 0.05 / numbers) ** numbers, abs=0.015)


def test_scatter_of_single_training_runs_is_refused():
    with pytest.raises(InputError, match="none of 2 cells has two seeds"):
        seed_scatter(pd.concat([cell_lines(normal(3)), cell_lines(normal(3), parameter=50.0)]))
    with pytest.raises(InputError, match="none of 0 cells has two seeds"):
        seed_scatter(cell_lines(normal(3)).iloc[:0])
