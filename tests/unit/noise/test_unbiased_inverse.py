"""The exact unbiased inverse of the generalised Anscombe root, against scipy's quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.noise.unbiased_inverse import MOST_COUNTS, counts_of_mean_root
from tests.support.methods.calculus import quadrature


def root(z: float, read_sd: float) -> float:
    return 2 * math.sqrt(max(z + 3 / 8 + read_sd**2, 0))


def mean_root(counts: float, read_sd: float) -> float:
    """Integrate the root over the electronic noise, and sum it over the counts."""

    def given(drawn: int) -> float:
        if read_sd == 0:
            return root(drawn, 0)
        zero = -(drawn + 3 / 8 + read_sd**2) / read_sd  # the root has a kink there
        low = max(-9.0, zero)
        return quadrature(lambda z: stats.norm.pdf(z) * root(drawn + read_sd * z, read_sd), low, 9.0)

    drawn = np.arange(int(counts + 12 * math.sqrt(counts) + 20))
    return float(stats.poisson.pmf(drawn, counts) @ [given(int(one)) for one in drawn])


@pytest.mark.parametrize("read_sd", [0, 0.3, 1.0, 5.0])
def test_inverts_the_mean(read_sd: float):
    counts = np.array([0, 0.03, 0.7, 9.3])
    means = np.array([mean_root(one, read_sd) for one in counts])
    np.testing.assert_allclose(counts_of_mean_root(means, read_sd), counts, atol=1e-3)


def test_inverts_the_mean_beyond_the_table():
    counts = 4 * MOST_COUNTS
    assert counts_of_mean_root(np.array(mean_root(counts, 0)), 0) == pytest.approx(counts, abs=1e-3)


def test_a_mean_below_that_of_no_counts_is_black():
    assert counts_of_mean_root(np.zeros(3), 0.5).tolist() == [0, 0, 0]
