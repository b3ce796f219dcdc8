"""Settings of training runs: chosen by a recipe, used in training, and repeated in the scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from bench.errors import InputError, unknown

Precision = Literal["bfloat16", "float32"]
TrainingNoise = Literal["frozen", "resampled"]
OptimiserName = Literal["muon", "adam"]

CHECKPOINT_EVERY = 60.0
"""Seconds between checkpoints; writing one takes a few hundredths of a second."""

OPTIMISERS: tuple[OptimiserName, ...] = get_args(OptimiserName)

SMALLEST = {"width": 2, "steps": 1, "batch": 1, "patch": 2}


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """The settings that all training runs of a grid share; their names are columns of the scores.

    Args:
        channels: 1 for grey, 3 for colour.
        width: channels of the U-Net's encoder.
        steps: number of optimiser steps.
        batch: patches per step.
        patch: side of a patch, pixels.
        optimiser: optimiser of the U-Net; see ``bench.training.optimiser``.
        learning_rate: peak learning rate of the optimiser's schedule.

    Raises:
        InputError: a number is too small, or not finite, or the optimiser is unknown.
    """

    channels: int
    width: int
    steps: int
    batch: int
    patch: int
    optimiser: OptimiserName
    learning_rate: float

    def __post_init__(self) -> None:
        for name, smallest in SMALLEST.items():
            require_at_least(smallest, name, getattr(self, name))
        if self.optimiser not in OPTIMISERS:
            raise unknown("optimiser", self.optimiser, OPTIMISERS)
        if not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning_rate must be finite and above 0, but is {self.learning_rate}")

    def training_settings(self) -> dict[str, Any]:
        """Return these settings by name, without the fields of subclasses."""
        return {name: getattr(self, name) for name in SETTING_COLUMNS}


SETTING_COLUMNS = [field.name for field in fields(TrainingSettings)]

BEFORE_PROTOCOL_5 = {"optimiser": "adam"}
"""Settings that runs of earlier protocols did not record, because there was one choice."""


def require_at_least(smallest: int, name: str, value: int) -> None:
    """Check a number.

    Raises:
        InputError: the number is below the smallest allowed.
    """
    if value < smallest:
        raise InputError(f"{name} must be at least {smallest}, but is {value}")
