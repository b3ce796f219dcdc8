"""Columns of the scores: what a row, a cell and a protocol are."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.errors import InputError
from bench.settings import SETTING_COLUMNS, TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, order=True, kw_only=True)
class Setup(TrainingSettings):
    """What all runs of one table share."""

    training_images: str
    training_noise: str
    protocol: int
    device: str


SETUP_COLUMNS = [field.name for field in fields(Setup)]
ROW = ["noise", "parameter", "images"]
CELL = [*ROW, "method"]
METRICS = ["psnr", "ssim", "lpips"]
NOISY = ["noisy_psnr", "noisy_ssim"]
COSTS = ["seconds", "training_seconds", "training_flops", "patches_per_second"]
SCORE_COLUMNS = ["key", "seed", "image", "sees", "precision", *SETUP_COLUMNS, *CELL, *METRICS, *NOISY, *COSTS]
SCORE_COLUMNS += ["estimate", "passes", "defined_for"]
FAILURE_COLUMNS = ["key", "seed", "error", "sees", *SETUP_COLUMNS, *CELL, "defined_for"]
NULLABLE = ["lpips", "estimate", "passes", "defined_for"]
"""What is not known of every run; scores that were stored before there were the last two lack them."""
TYPES: dict[str, type] = dict.fromkeys([*SETTING_COLUMNS, "protocol", "seed"], int)
TYPES |= dict.fromkeys(["parameter", "learning_rate"], float)
SYMBOLS = {"gaussian": "σ", "poisson": "ζ", "gamma": "k"}


def noise_label(noise: str, parameter: float) -> str:
    """Name a noise with its parameter, such as ``gaussian σ=25``."""
    return f"{noise} {SYMBOLS.get(noise, 'parameter')}={parameter:g}"


def require(runs: pd.DataFrame, *, columns: Sequence[str], nullable: Sequence[str] = ()) -> pd.DataFrame:
    """Take the named columns of stored runs, with numbers as numbers.

    Args:
        runs: one line per test image or failure; no line at all needs no columns either.
        columns: what is taken.
        nullable: those of them that may hold nulls, or be missing, as nulls throughout.

    Raises:
        InputError: another column is missing, or holds a null or NaN.
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
    kinds = {name: kind for name, kind in TYPES.items() if name in columns}
    return runs.reindex(columns=list(columns)).astype(kinds)


def parts_of(runs: pd.DataFrame, columns: list[str]) -> dict[tuple[Any, ...], pd.DataFrame]:
    """Part stored runs by the values of some columns."""
    groups: Any = runs.groupby(columns)
    return dict(iter(groups))
