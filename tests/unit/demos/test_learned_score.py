"""The network of the score demonstration: what it learns, and from which seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from bench.demos.learned_score import Budget, train
from bench.demos.mixture import example_mixture
from bench.demos.mixture_score import SIGMA
from bench.errors import InputError
from bench.noise import Gaussian

if TYPE_CHECKING:
    from bench.demos.mixture_score import ScoreDemo

NOISE = Gaussian(SIGMA)
NOISY = example_mixture().blurred(SIGMA / 255)


def test_learned_score_is_within_five_percent_of_the_exact_one(half_budget_demo: ScoreDemo):
    assert half_budget_demo.relative_error < 0.05
    # No training run can avoid the error by the blur, which is the smaller part here.
    assert 0 < half_budget_demo.blur_error < 0.01 < half_budget_demo.relative_error


def test_learned_score_is_worse_where_points_are_sparse(half_budget_demo: ScoreDemo):
    errors = half_budget_demo.by_density["error"].to_numpy()
    assert errors[0] < errors[len(errors) // 2] < errors[-1]
    assert errors[-1] > 4 * errors[0]


def test_same_seed_gives_the_same_weights_and_another_does_not():
    one, same, other = (train(NOISY, NOISE, Budget(3, 64, seed)).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("steps", "batch", "name"), [(0, 1, "steps"), (1, 0, "batch"), (-3, 1, "steps")])
def test_an_empty_budget_is_refused(steps: int, batch: int, name: str):
    with pytest.raises(InputError, match=f"{name} has to be 1 or more, but is {min(steps, batch)}"):
        Budget(steps, batch)
