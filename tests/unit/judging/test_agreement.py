"""Agreement of two rankings: by hand on four denoisers."""

from __future__ import annotations

import math

import pytest

from bench.judging.agreement import agreement

TRUE = [10**-3.0, 10**-2.995, 10**-2.9, 10**-2.5]  # 30, 29.95, 29 and 25 dB


def test_the_true_order_agrees():
    assert agreement(TRUE, TRUE) == (1, 0, pytest.approx(1))


def test_a_constant_added_to_estimates_changes_nothing():
    assert agreement([error - 0.01 for error in TRUE], TRUE) == (1, 0, pytest.approx(1))


def test_denoisers_closer_than_a_tenth_of_a_decibel_do_not_count():
    found = agreement([TRUE[1], TRUE[0], *TRUE[2:]], TRUE)
    assert found.pairs_right == 1
    assert found.regret == pytest.approx(0.05)
    assert found.kendall == pytest.approx(4 / 6)  # one of six pairs is reversed


def test_one_wrong_pair_of_five():
    found = agreement([TRUE[0], TRUE[2], TRUE[1], TRUE[3]], TRUE)
    assert found.pairs_right == pytest.approx(4 / 5)
    assert found.regret == 0


def test_the_reverse_order():
    assert agreement(TRUE[::-1], TRUE)[:2] == (0, pytest.approx(5))


def test_ties_are_not_right():
    assert agreement([0.0] * 4, TRUE).pairs_right == 0


def test_without_pairs_far_enough_apart():
    assert math.isnan(agreement(TRUE[:2], TRUE[:2]).pairs_right)
