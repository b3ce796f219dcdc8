"""The protocol's constants, which tables print and keys contain."""

from __future__ import annotations

from bench.noise import NOISES
from bench.protocol import CLIP_RATIO, LEARNING_RATES, NOISE_FORMULAS, OPTIMISER, PROTOCOL_VERSION


def test_the_protocol_changes_only_with_its_version() -> None:
    assert (PROTOCOL_VERSION, OPTIMISER, CLIP_RATIO) == (5, "muon", 2.0)
    assert LEARNING_RATES == {"muon": 0.01, "adam": 2e-3}


def test_every_noise_model_has_a_formula() -> None:
    assert {*NOISE_FORMULAS} == {*NOISES}
