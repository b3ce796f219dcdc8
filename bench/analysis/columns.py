"""Columns of the scores, and the keys that group them: setup, condition and cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from bench.errors import InputError
from bench.settings import SETTING_COLUMNS, TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

SYMBOLS = {"gaussian": "σ", "poisson": "ζ", "gamma": "k"}


def noise_label(noise: str, parameter: float) -> str:
    """Format a noise model with its parameter, such as ``gaussian σ=25``."""
    return f"{noise} {SYMBOLS.get(noise, 'parameter')}={parameter:g}"


@dataclass(frozen=True, kw_only=True)
class Setup(TrainingSettings):
    """The settings that all runs of one table share."""

    training_images: str
    training_noise: str
    protocol: int
    device: str

    def columns(self) -> dict[str, Any]:
        """Return the values by name, in the order of ``SETUP_COLUMNS``."""
        return {name: getattr(self, name) for name in SETUP_COLUMNS}

    def sort_key(self) -> tuple[Any, ...]:
        """Return a sort key: training images first."""
        return tuple(self.columns().values())


class Condition(NamedTuple):
    """A noise model with its parameter, and a test set: one row of a table."""

    noise: str
    parameter: float
    images: str

    @property
    def noise_label(self) -> str:
        """The noise model with its parameter, such as ``gaussian σ=25``."""
        return noise_label(self.noise, self.parameter)

    def sort_key(self) -> tuple[Any, ...]:
        """Return a sort key: noise model, strength of the noise, test set."""
        known = [*SYMBOLS]
        place = known.index(self.noise) if self.noise in known else len(known)
        # Gamma noise is stronger the smaller its parameter.
        strength = -self.parameter if self.noise == "gamma" else self.parameter
        return place, self.noise, strength, self.images

    def __str__(self) -> str:
        return f"{self.noise_label}, {self.images}"


class CellKey(NamedTuple):
    """A method under one condition: one cell of a table."""

    noise: str
    parameter: float
    images: str
    method: str

    @property
    def condition(self) -> Condition:
        """The table row that contains this cell."""
        return Condition(self.noise, self.parameter, self.images)

    def sort_key(self) -> tuple[Any, ...]:
        """Return a sort key: condition, then method."""
        return *self.condition.sort_key(), self.method


SETUP_COLUMNS = ["training_images", *SETTING_COLUMNS, "training_noise", "protocol", "device"]
ROW = [*Condition._fields]
CELL = [*CellKey._fields]
METRICS = ["psnr", "ssim", "lpips"]
NOISY = ["noisy_psnr", "noisy_ssim"]
COSTS = ["seconds", "training_seconds", "training_flops", "patches_per_second"]
SCORE_COLUMNS = ["key", "seed", "image", "sees", "precision", *SETUP_COLUMNS, *CELL, *METRICS, *NOISY, *COSTS]
LATER_COSTS = ["passes", "forward_passes", "backward_passes", "core_share"]
"""Costs that runs of early versions did not record."""
SCORE_COLUMNS += ["estimate", *LATER_COSTS, "defined_for", "patch_scale"]
FAILURE_COLUMNS = ["key", "seed", "error", "sees", *SETUP_COLUMNS, *CELL, "defined_for"]
NULLABLE = ["lpips", "estimate", *LATER_COSTS, "defined_for", "patch_scale"]
"""Columns that may be null; all but the first two may be missing, since early versions did not store them."""
TYPES: dict[str, type] = dict.fromkeys([*SETTING_COLUMNS, "protocol", "seed"], int)
TYPES |= dict.fromkeys(["parameter", "learning_rate", "clip_ratio"], float)
TYPES["optimiser"] = str


def require(runs: pd.DataFrame, *, columns: Sequence[str], nullable: Sequence[str] = ()) -> pd.DataFrame:
    """Select columns of stored runs and convert numeric ones to numbers.

    Args:
        runs: one line per test image or failure; an empty frame needs no columns.
        columns: the columns to select.
        nullable: the columns that may hold nulls or be missing; a missing one is filled with nulls.

    Raises:
        InputError: any other column is missing, or holds a null or NaN.
    """
    if runs.empty:
        return pd.DataFrame(columns=list(columns))
    needed = [column for column in columns if column not in nullable]
    if absent := [column for column in needed if column not in runs]:
        raise InputError(f"the stored runs lack the columns {', '.join(absent)}")
    for column in needed:
        null = runs[column].isna()
        if null.any():
            raise InputError(f"run {runs.loc[null, 'key'].iloc[0]} has an empty or undefined {column}")
    types = {name: of for name, of in TYPES.items() if name in columns}
    return runs.reindex(columns=list(columns)).astype(types)
