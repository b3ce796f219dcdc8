"""Which stored runs may stand in one table: one protocol, whole image sets, the same noisy images."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, order=True)
class Protocol:
    """What all runs of one table share."""

    training_images: str
    channels: int
    width: int
    steps: int
    batch: int
    patch: int
    learning_rate: float
    training_noise: str
    protocol: str
    device: str


PROTOCOL = [field.name for field in fields(Protocol)]
ROW = ["noise", "parameter", "images"]
CELL = [*ROW, "method"]
METRICS = ["psnr", "ssim", "lpips"]
NOISY = ["noisy_psnr", "noisy_ssim"]
COSTS = ["seconds", "training_seconds", "training_flops", "patches_per_second"]
SCORE_COLUMNS = ["key", "seed", "image", "sees", "precision", *PROTOCOL, *CELL, *METRICS, *NOISY, *COSTS]
SCORE_COLUMNS += ["estimate", "passes", "defined_for"]
FAILURE_COLUMNS = ["key", "seed", "error", "sees", *PROTOCOL, *CELL, "defined_for"]
NULLABLE = ["lpips", "estimate", "passes", "defined_for"]
"""What is not known of every run; scores that were stored before there were the last two lack them."""
TYPES: dict[str, type] = dict.fromkeys(["parameter", "learning_rate"], float)
TYPES |= dict.fromkeys(["channels", "width", "steps", "batch", "patch", "seed"], int)
SYMBOLS = {"gaussian": "σ", "poisson": "ζ", "gamma": "k"}
# The same bytes give the same score everywhere, but for the order of float32 sums; another draw of the noise
# differs by more.
SAME_SCORE = 1e-4


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


def check_comparable(scores: pd.DataFrame) -> None:
    """Refuse scores of one protocol whose means could not be compared.

    Args:
        scores: one line per run and test image.

    Raises:
        InputError: an image has two scores in one cell and seed, a cell mixes precisions, a method changes
            what it sees, a run lacks images of its set, or methods were given different noisy images.
    """
    _check_single(scores)
    _check_complete(scores)
    check_same_noisy_images(scores)


def _check_single(scores: pd.DataFrame) -> None:
    twice = scores[scores.duplicated([*CELL, "seed", "image"], keep=False)]
    if len(twice):
        keys = sorted(set(_like_first(twice, [*CELL, "seed", "image"])["key"]))
        raise InputError(
            f"{_where(twice)} has more than one score for image {twice['image'].iloc[0]!r}, by run "
            f"{' and '.join(keys)}; keep one"
        )
    for by, column in ((CELL, "precision"), (["method"], "sees")):
        mixed = scores[scores.groupby(by)[column].transform("nunique") > 1]
        if len(mixed):
            values = sorted(set(_like_first(mixed, by)[column]))
            raise InputError(f"{_where(mixed)} mixes runs of different {column}: {' and '.join(values)}")


def _check_complete(scores: pd.DataFrame) -> None:
    found = scores.groupby([*CELL, "seed"])["image"].transform("nunique")
    short = scores[found < scores.groupby("images")["image"].transform("nunique")]
    if len(short):
        run = _like_first(short, [*CELL, "seed"])
        every = set(scores.loc[scores["images"] == run["images"].iloc[0], "image"])
        raise InputError(
            f"{_where(run)} is incomplete: run {run['key'].iloc[0]} has {len(run)} of {len(every)} images, "
            f"without {', '.join(sorted(every - set(run['image']))[:3])}; where the set has changed, "
            "`noisebench run` with all of these methods scores them on it as it is now"
        )


def check_same_noisy_images(scores: pd.DataFrame) -> None:
    """Refuse scores of one noise, set and seed that are not of the same noisy images.

    Raises:
        InputError: two runs were given different copies of an image.
    """
    copies = scores.groupby([*ROW, "seed", "image"])[NOISY]
    apart = scores[((copies.transform("max") - copies.transform("min")) > SAME_SCORE).any(axis=1)]
    if len(apart):
        methods = sorted(set(_like_first(apart, [*ROW, "seed", "image"])["method"]))
        raise InputError(
            f"{' and '.join(methods)} were given different noisy copies of image {apart['image'].iloc[0]!r}: "
            f"{_where(apart)}"
        )


def _like_first(scores: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return scores[(scores[columns] == scores[columns].iloc[0]).all(axis=1)]


def _where(runs: pd.DataFrame) -> str:
    run: Any = runs.iloc[0]
    return f"{run.method} on {noise_label(run.noise, run.parameter)}, {run.images}, seed {run.seed}"
