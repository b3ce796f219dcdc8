"""The guard detects from which generator an operation draws."""

from __future__ import annotations

import random

import numpy as np
import torch

from bench.conformance.rng_guard import RngGuard, global_random_states


def test_draws_from_another_generator_than_the_allowed_one_are_recorded():
    own, other = torch.Generator(), torch.Generator()
    with RngGuard(own) as guard:
        torch.rand(2, generator=own)
        torch.empty(2).bernoulli_(0.5, generator=own)
    assert guard.stray_draws == []
    with RngGuard(own) as guard:
        torch.rand(2, generator=other)
        torch.nn.functional.dropout(torch.ones(2))
    assert guard.stray_draws[0] == "aten.rand"
    assert len(guard.stray_draws) == 2


def test_without_an_allowed_generator_only_the_global_one_is_recorded():
    with RngGuard() as guard:
        torch.rand(2, generator=torch.Generator())
    assert guard.stray_draws == []
    with RngGuard() as guard:
        torch.rand(2)
    assert guard.stray_draws == ["aten.rand"]


def test_global_states_change_with_a_draw_from_any_of_the_three_generators():
    for draw in (torch.rand, np.random.random, lambda _: random.random()):
        before = global_random_states()
        assert global_random_states() == before
        draw(1)
        assert global_random_states() != before
