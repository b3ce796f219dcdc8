"""The sign-flip test: exact, of the mean, and with a level that holds for a whole family."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from scipy import stats

from bench.analysis.sign_flips import ALPHA, FLIPS, holm, sign_flip_p, smallest_p


def test_p_is_the_share_of_all_flips_that_are_as_extreme() -> None:
    values = np.random.default_rng(0).normal(0.4, 1, size=(9, 3))
    found = sign_flip_p(values)
    for column, p in zip(values.T, found, strict=True):
        means = [abs(np.dot(signs, column)) for signs in product([1, -1], repeat=9)]
        assert p == np.mean(np.array(means) >= abs(column.sum()) - 1e-12)
        scipys = stats.permutation_test((column,), np.mean, permutation_type="samples", n_resamples=np.inf)
        assert p == pytest.approx(scipys.pvalue)


def test_differences_of_one_sign_have_the_smallest_p() -> None:
    for images in (2, 12, 14, 17):
        assert sign_flip_p(np.arange(1.0, images + 1)[:, None]) == smallest_p(images) == 2.0 ** (1 - images)
    assert sign_flip_p(np.arange(1.0, 69)[:, None]) == smallest_p(68) == 1 / FLIPS


def test_p_of_many_images_is_near_students() -> None:
    """Of 100,000 flips, the standard error of p = .02 is 4e-4."""
    values = np.random.default_rng(1).normal(0.2, 1, size=(68, 5))
    assert sign_flip_p(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.004)


def test_p_ignores_signs_order_and_scale() -> None:
    values = np.random.default_rng(2).normal(0.3, 1, size=(10, 4))
    p = sign_flip_p(values)
    for changed in (-values, values[::-1], 1e-3 * values):
        assert list(sign_flip_p(changed)) == list(p)
    assert sign_flip_p(np.zeros((5, 2))).tolist() == [1, 1]


@pytest.mark.parametrize("true", [0, 10])
def test_the_chance_of_any_false_finding_is_at_most_the_level(true: int) -> None:
    """Twenty tests that share half their variance, the first of them truly different; 600 families."""
    rng = np.random.default_rng(true)
    false = found = 0
    for _ in range(600):
        values = rng.standard_t(4, size=(12, 1)) + rng.standard_t(4, size=(12, 20))
        values[:, :true] += 4
        rejected = np.array(holm(list(sign_flip_p(values)))) < ALPHA
        false += rejected[true:].any()
        found += rejected[:true].sum()
    # Three standard errors of a share of .05 are .027.
    assert false / 600 <= ALPHA + 0.027
    assert found >= 0.5 * 600 * true


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([3 * 0.01, 2 * 0.03, 2 * 0.03, 4 * 0.005])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_holm_rejects_what_the_steps_of_the_procedure_reject() -> None:
    p = np.random.default_rng(0).beta(0.3, 2, size=30)
    found = np.array(holm(p))
    for level in (0.01, 0.05, 0.2):
        rejected = set()
        for step, place in enumerate(np.argsort(p)):
            if p[place] > level / (len(p) - step):
                break
            rejected.add(place)
        assert set(np.flatnonzero(found <= level)) == rejected


def test_holm_keeps_the_order_and_is_between_p_and_bonferroni() -> None:
    p = np.random.default_rng(1).uniform(size=20) ** 3
    found = np.array(holm(p))
    assert all(a <= b for a, b in pairwise(found[np.argsort(p)]))
    assert (found >= p).all()
    assert (found <= np.minimum(20 * p, 1)).all()
    assert found.min() == pytest.approx(20 * p.min())
