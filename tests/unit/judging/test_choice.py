"""Which estimator is chosen, for every combination of what is known."""

from __future__ import annotations

from itertools import product

import pytest

from bench.judging.choice import Estimator, choose_estimator


def expected(*, copies: bool, correlated: bool, smooth: bool) -> Estimator:
    alone = Estimator.STEIN if smooth else Estimator.SPLITTING
    return Estimator.TWO_COPIES if copies else Estimator.CORRELATED_STEIN if correlated else alone


@pytest.mark.parametrize(("copies", "correlated", "smooth"), list(product([True, False], repeat=3)))
def test_choice(copies: bool, correlated: bool, smooth: bool):
    known = {"copies": copies, "correlated": correlated, "smooth": smooth}
    choice = choose_estimator(**known)
    assert choice.estimator is expected(**known)
    assert choice.reason
    # Only a second copy, or white noise with smooth denoisers, comes without a caveat.
    assert bool(choice.caveat) is (not copies and (correlated or not smooth))
