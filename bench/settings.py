"""Settings of training runs: chosen by a recipe, used in training, and repeated in the scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple, get_args

from bench.errors import InputError, unknown
from bench.protocol import CLIP_RATIO, LEARNING_RATES, OPTIMISER, OptimiserName

Precision = Literal["bfloat16", "float32"]
TrainingNoise = Literal["frozen", "resampled"]

CHECKPOINT_EVERY = 60.0
"""Seconds between checkpoints; writing one takes a few hundredths of a second."""

OPTIMISERS: tuple[OptimiserName, ...] = get_args(OptimiserName)

SMALLEST = {"width": 2, "steps": 1, "batch": 1, "patch": 2}


class OptimiserSettings(NamedTuple):
    """An optimiser, its peak learning rate, and the multiple of the mean gradient norm to which it clips."""

    name: OptimiserName
    learning_rate: float
    clip_ratio: float


DEFAULT_OPTIMISER = OptimiserSettings(OPTIMISER, LEARNING_RATES[OPTIMISER], CLIP_RATIO)


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
        clip_ratio: a gradient is clipped to this multiple of the running mean of its norm; infinite where an
            early protocol did not clip.

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
    clip_ratio: float

    def __post_init__(self) -> None:
        for name, smallest in SMALLEST.items():
            require_at_least(smallest, name, getattr(self, name))
        if self.optimiser not in OPTIMISERS:
            raise unknown("optimiser", self.optimiser, OPTIMISERS)
        if not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning_rate must be finite and above 0, but is {self.learning_rate}")
        if not self.clip_ratio > 0:
            raise InputError(f"clip_ratio must be above 0, but is {self.clip_ratio}")

    @property
    def optimiser_settings(self) -> OptimiserSettings:
        """The settings of the optimiser."""
        return OptimiserSettings(self.optimiser, self.learning_rate, self.clip_ratio)

    def training_settings(self) -> dict[str, Any]:
        """Return these settings by name, without the fields of subclasses."""
        return {name: getattr(self, name) for name in SETTING_COLUMNS}


SETTING_COLUMNS = [field.name for field in fields(TrainingSettings)]


def unrecorded_settings(protocol: int) -> dict[str, Any]:
    """Return the settings that runs of a protocol did not record, because there was one choice."""
    if protocol >= 5:
        return {}
    return {"optimiser": "adam", "clip_ratio": 2.0 if protocol == 4 else math.inf}


def require_at_least(smallest: int, name: str, value: int) -> None:
    """Check a number.

    Raises:
        InputError: the number is below the smallest allowed.
    """
    if value < smallest:
        raise InputError(f"{name} must be at least {smallest}, but is {value}")
