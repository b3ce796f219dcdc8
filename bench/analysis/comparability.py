"""Which stored runs can be compared in one table: whole image sets, one precision, the same noisy images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.analysis.columns import CELL, NOISY, ROW, Condition
from bench.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

# The same bytes give the same score everywhere, up to the order of float32 sums; other noise differs more.
SAME_SCORE = 1e-4


def check_comparable(scores: pd.DataFrame) -> None:
    """Refuse scores of one protocol if their means could not be compared.

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
            f"{_cell_name(twice)} has more than one score for image {twice['image'].iloc[0]!r}, by run "
            f"{' and '.join(keys)}; keep one"
        )
    for by, column in ((CELL, "precision"), (["method"], "sees")):
        mixed = scores[scores.groupby(by)[column].transform("nunique") > 1]
        if len(mixed):
            values = sorted(set(_like_first(mixed, by)[column]))
            raise InputError(f"{_cell_name(mixed)} mixes runs of different {column}: {' and '.join(values)}")


def _check_complete(scores: pd.DataFrame) -> None:
    found = scores.groupby([*CELL, "seed"])["image"].transform("nunique")
    # Under another noise a set may have other images: those that the noise leaves unchanged are not scored.
    short = scores[found < scores.groupby(ROW)["image"].transform("nunique")]
    if len(short):
        run = _like_first(short, [*CELL, "seed"])
        alike = (scores[ROW] == run[ROW].iloc[0]).all(axis=1)
        every = set(scores.loc[alike, "image"])
        raise InputError(
            f"{_cell_name(run)} is incomplete: run {run['key'].iloc[0]} has {len(run)} of {len(every)} "
            f"images, without {', '.join(sorted(every - set(run['image']))[:3])}; where the set has changed, "
            "`noisebench run` with all of these methods scores them on it as it is now"
        )


def check_same_noisy_images(scores: pd.DataFrame) -> None:
    """Refuse scores of one noise, test set and seed that belong to different noisy images.

    Raises:
        InputError: two runs were given different copies of an image.
    """
    copies = scores.groupby([*ROW, "seed", "image"])[NOISY]
    apart = scores[((copies.transform("max") - copies.transform("min")) > SAME_SCORE).any(axis=1)]
    if len(apart):
        methods = sorted(set(_like_first(apart, [*ROW, "seed", "image"])["method"]))
        raise InputError(
            f"{' and '.join(methods)} were given different noisy copies of image {apart['image'].iloc[0]!r}: "
            f"{_cell_name(apart)}"
        )


def _like_first(scores: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return scores[(scores[columns] == scores[columns].iloc[0]).all(axis=1)]


def _cell_name(runs: pd.DataFrame) -> str:
    run: Any = runs.iloc[0]
    return f"{run.method} on {Condition(*run[ROW])}, seed {run.seed}"
