"""How far training runs of one cell scatter."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.analysis.scatter import NOTABLE, Noise, Scatter, pooled, scatter_of, seed_scatter
from tests.support.results.score_lines import cell_lines, normal, shuffled

STEPS = {15.0: 0.01, 25.0: 0.02, 35.0: 0.015, 50.0: 0.02, 75.0: 0.01}


def sees(scores):
    return scores.assign(sees="noisy")


def scatter_between_seeds(scores):
    """Return the scatter of one method, which is the same under all noises."""
    (found,) = seed_scatter(sees(scores)).values()
    assert not found.apart
    return found.common


def test_scatter_of_two_seeds_by_hand():
    found = scatter_between_seeds(cell_lines([[30.0, 30.3], [28.0, 27.9]]))
    assert found.sd == pytest.approx(abs(29.0 - 29.1) / math.sqrt(2))
    assert found.degrees == 1
    assert found.retraining() == pytest.approx(12.7062 * 0.1, rel=1e-5)


def test_scatter_is_pooled_over_the_cells_of_several_seeds():
    cells = [normal(4, 3, rng=0), normal(4, 2, rng=1) + 3, normal(6, 5, rng=2) - 3, normal(4, 1, rng=3)]
    where = [{}, {"parameter": 50.0}, {"parameter": 15.0}, {"parameter": 75.0}]
    scores = pd.concat([cell_lines(psnr, **place) for psnr, place in zip(cells, where, strict=True)])
    found = scatter_between_seeds(scores)
    parts = [psnr.mean(axis=0).var(ddof=1) for psnr in cells[:3]]
    assert found.degrees == 2 + 1 + 4
    assert found.sd == pytest.approx(math.sqrt(np.dot([2, 1, 4], parts) / 7), rel=1e-9)
    assert scatter_between_seeds(shuffled(scores)) == found


def test_scatter_recovers_what_it_was_drawn_with():
    """400 degrees of freedom: a standard error of 3.5 %."""
    rng = np.random.default_rng(0)
    cells = [normal(5, 5, of_seed=0.1, rest=0.1, rng=rng) for _ in range(100)]
    scores = [cell_lines(psnr, parameter=float(number)) for number, psnr in enumerate(cells)]
    found = scatter_between_seeds(pd.concat(scores))
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


def test_single_training_runs_and_untrained_methods_have_no_scatter():
    assert seed_scatter(sees(pd.concat([cell_lines(normal(3)), cell_lines(normal(3), parameter=50.0)]))) == {}
    assert seed_scatter(sees(cell_lines(normal(3)).iloc[:0])) == {}
    two = cell_lines(normal(3, 2))
    assert seed_scatter(two.assign(sees="noisy + noise, untrained")) == {}
    both = pd.concat([sees(two), two.assign(method="bm3d", sees="noisy + noise, untrained")])
    assert seed_scatter(both) == seed_scatter(sees(two))


def test_each_method_has_its_own_scatter():
    small, large = normal(4, 5, of_seed=0.01, rng=1), normal(4, 5, of_seed=0.3, rng=2)
    found = seed_scatter(sees(pd.concat([cell_lines(small, method="a"), cell_lines(large, method="b")])))
    for method, psnr in (("a", small), ("b", large)):
        assert found[method].common.sd == pytest.approx(psnr.mean(axis=0).std(ddof=1))


def test_a_noise_with_a_notably_larger_scatter_is_apart():
    steady = {Noise("gaussian", sigma): [np.array([30.0, 30.0 + step])] for sigma, step in STEPS.items()}
    wild = Noise("poisson", 0.01)
    found = scatter_of(steady | {wild: [np.array([29.35, 28.57])]})
    assert list(found.apart) == [wild]
    assert found.under(wild) == Scatter(pytest.approx(0.78 / math.sqrt(2)), 1)
    assert found.under(Noise("gaussian", 25.0)) == found.common == scatter_of(steady).common
    assert str(found) == f"{found.common.sd:.3f} (0.552 under poisson ζ=0.01)"
    # Larger by as many times, but not notable.
    slight = scatter_of(steady | {wild: [np.array([29.35, 29.35 + NOTABLE])]})
    assert slight.apart == {}
    assert slight.common.degrees == len(steady) + 1


def test_equal_scatters_are_rarely_found_apart():
    """In at most 5 % of cases; 1,000 draws have a standard error of .7 %."""
    rng = np.random.default_rng(0)
    noises = [Noise("gaussian", float(sigma)) for sigma in range(6)]
    apart = [
        bool(scatter_of({noise: [rng.normal(scale=0.5, size=2)] for noise in noises}).apart)
        for _ in range(1000)
    ]
    assert np.mean(apart) <= 0.05 + 0.021
