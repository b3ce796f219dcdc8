"""The protocol's constants, which tables print and keys contain."""

from __future__ import annotations

from bench.noise import NOISES
from bench.protocol import CLIP_RATIO, LEARNING_RATE, NOISE_FORMULAS, PROTOCOL_VERSION


def test_the_protocol_changes_only_with_its_version() -> None:
    assert (PROTOCOL_VERSION, LEARNING_RATE, CLIP_RATIO) == (5, 2e-3, 2.0)


def test_every_noise_model_has_a_formula() -> None:
    assert {*NOISE_FORMULAS} == {*NOISES}
