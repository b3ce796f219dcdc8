"""Paired differences, their intervals and tests, and their correction for several tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.analysis.intervals import LEVEL
from bench.analysis.means import mean_of
from bench.analysis.paired import Difference, difference_of, differences_of
from bench.analysis.sign_flips import holm, sign_flip_p
from bench.errors import InputError
from tests.support.results.score_lines import lines, normal, shuffled


def compared(psnr, other, **kwargs):
    return difference_of(lines(psnr, **kwargs), lines(other, **kwargs))


def student(values):
    return stats.ttest_1samp(values, 0).confidence_interval(LEVEL)


def test_the_test_of_a_difference_flips_signs():
    psnr, other = normal(12, 2, rng=0), normal(12, 2, rng=0) - normal(12, 2, of_image=0.1, rng=2) + 30.1
    found, apart = compared(psnr, other), (psnr - other).mean(axis=1)
    assert found.mean == pytest.approx(apart.mean(), abs=1e-8)
    assert found.p == pytest.approx(sign_flip_p(apart[:, None])[0], rel=1e-12)
    assert 0.001 < found.p < 0.999
    assert (found.images, found.seeds) == (12, 2)


def test_interval_of_a_difference_is_near_students_for_normal_differences():
    apart = 0.2 + 0.3 * np.random.default_rng(3).normal(size=(200, 1))
    psnr = normal(200)
    found, expected = compared(psnr + apart, psnr), student(apart.ravel())
    width = expected.high - expected.low
    assert found.low == pytest.approx(expected.low, abs=0.05 * width)
    assert found.high == pytest.approx(expected.high, abs=0.05 * width)


def test_interval_of_skewed_differences_is_corrected_for_the_skew():
    psnr, apart = normal(40), np.random.default_rng(0).exponential(size=(40, 1))
    found = compared(psnr + apart, psnr)
    ends = {
        method: stats.bootstrap(
            (apart.ravel(),), np.mean, method=method, random_state=np.random.default_rng(7)
        ).confidence_interval
        for method in ("BCa", "percentile")
    }
    assert (found.low, found.high) == pytest.approx(tuple(ends["BCa"]), abs=0.03)
    assert min(np.subtract(ends["BCa"], ends["percentile"])) > 0.04


def test_interval_of_a_difference_holds_the_truth():
    """In .93 of cases for 24 normal differences; 120 draws have a standard error of .023."""
    rng = np.random.default_rng(0)
    zero = lines(np.zeros((24, 1)))
    found = [difference_of(zero.assign(psnr=rng.normal(size=24)), zero) for _ in range(120)]
    assert 0.87 <= np.mean([one.low <= 0 <= one.high for one in found]) <= 0.99


def test_a_difference_changes_its_sign_when_swapped_and_ignores_the_order_of_lines():
    psnr, other = lines(normal(12, 2, rng=0)), lines(normal(12, 2, rng=1))
    found, turned = difference_of(psnr, other), difference_of(other, psnr)
    assert turned.mean == -found.mean
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low), abs=1e-9)
    assert turned.p == found.p
    assert difference_of(shuffled(psnr), shuffled(shuffled(other))) == found


def test_a_difference_counts_shared_seeds_alone():
    psnr, other = normal(6, 3, rng=0), normal(6, 3, rng=1)
    found = difference_of(lines(psnr, seeds=[0, 1, 2]), lines(other, seeds=[2, 5, 0]))
    assert found == compared(psnr[:, [0, 2]], other[:, [2, 0]])
    assert found.seeds == 2


def test_what_images_share_does_not_widen_a_difference():
    psnr, apart = normal(12), normal(12, of_image=0.01, rng=1) - 30
    found = compared(psnr + apart, psnr)
    assert found.high - found.low < 0.1
    assert mean_of(lines(psnr)).half_width > 0.5


@pytest.mark.parametrize(("shift", "p"), [(0.0, 1.0), (0.1, 2**-7)])
def test_equal_differences_have_an_interval_without_width(shift, p):
    psnr = np.linspace(10, 40, 24).reshape(8, 3)  # so far apart that their sums round differently
    found = compared(psnr + shift, psnr)
    assert found.mean == pytest.approx(shift, abs=1e-12)
    assert (found.low, found.high) == (found.mean, found.mean)
    assert found.p == pytest.approx(p, rel=1e-12)


def test_one_image_shows_a_difference_without_an_interval():
    found = compared([[30.0, 31.0]], [[29.0, 29.0]])
    assert (found.mean, found.images, found.seeds) == (1.5, 1, 2)
    assert np.isnan([found.low, found.high, found.p]).all()


@pytest.mark.parametrize("apart", [[0, 1], [0, 0, 1], [0, 0, 0, 0, -1, 1], [1, 1, 1, -2]])
def test_a_few_ties_or_zeros_are_handled(apart):
    found = compared(30 + np.array(apart, ndmin=2).T, np.full((len(apart), 1), 30))
    assert found.low <= found.mean <= found.high
    assert found.p == sign_flip_p(np.array(apart, dtype=float)[:, None])[0]


def test_differences_of_other_images_or_seeds_are_refused():
    psnr = normal(3, 2)
    for ours, theirs in ((psnr, psnr[:2]), (psnr[:2], psnr)):
        with pytest.raises(InputError, match=r"only one of the two methods has scores of image '02\.png'"):
            compared(ours, theirs)
    with pytest.raises(InputError, match="no seed in common: 0, 1 and 2, 3"):
        difference_of(lines(psnr), lines(psnr, seeds=[2, 3]))


def test_pairs_that_are_tested_together_are_corrected_together():
    psnr = normal(12)
    pairs = {
        seed: (lines(psnr + normal(12, of_image=0.3, rng=seed) - 29.8), lines(psnr)) for seed in range(5)
    }
    found = differences_of(pairs)
    raw = [difference_of(*pair) for pair in pairs.values()]
    assert [one.p for one in found.values()] == pytest.approx(holm([one.p for one in raw]))
    assert [(one.mean, one.low, one.high) for one in found.values()] == [
        (one.mean, one.low, one.high) for one in raw
    ]


def test_a_family_may_have_pairs_of_fewer_images():
    """A noise leaves some images of a set unchanged, and these are not scored."""
    psnr = normal(12)
    pairs = {
        rng: (lines((psnr + normal(12, of_image=0.3, rng=rng) - 29.8)[:count]), lines(psnr[:count]))
        for rng, count in enumerate((12, 11, 12, 1))
    }
    raw = [difference_of(*pairs[key]).p for key in range(3)]
    assert [differences_of(pairs)[key].p for key in range(3)] == pytest.approx(holm(raw))
    assert math.isnan(differences_of(pairs)[3].p)


def test_the_negative_of_a_difference_is_that_of_the_swapped_pair():
    assert -Difference(0.3, 0.1, 0.6, 0.02, 12, 1) == Difference(-0.3, -0.6, -0.1, 0.02, 12, 1)
