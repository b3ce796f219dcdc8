"""Published tables: their numbers, and the choice of our runs to compare with them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from bench.analysis.columns import ROW, Condition
from bench.analysis.grouping import records_of
from bench.errors import InputError, unknown

LAYOUT, NUMBERS = "layout.toml", "published.csv"
COLUMNS = ["source", *ROW, "method", "psnr", "suspect"]
HOME = Path("tables")


@dataclass(frozen=True)
class Published:
    """A published table.

    Args:
        folder: folder of its files.
        title: heading of the table.
        source: source of the numbers that form its rows and columns; numbers from other sources are for
            comparison.
        training_images: the training sets of the runs that are compared with it.
        training_noise: training noise of those runs, frozen or resampled.
        baselines: the methods that all others are compared with.
        tuning_images: training set of the runs with which settings were chosen.
        reference: name of the reference results that are compared with it.
        retrained: names of further reference results, with repeated training runs of that reference.
        numbers: one line per published number, with ``COLUMNS``; psnr in dB, ``suspect`` is the reason why a
            number is suspect, or empty.
    """

    folder: Path
    title: str
    source: str
    training_images: tuple[str, ...]
    training_noise: str
    baselines: tuple[str, ...]
    tuning_images: str
    reference: str
    retrained: tuple[str, ...]
    numbers: pd.DataFrame

    @property
    def rows(self) -> list[Condition]:
        """The noise and test set of each row, in the published order."""
        return [Condition(*row) for row in records_of(self.cells.drop_duplicates(ROW), ROW)]

    @property
    def methods(self) -> list[str]:
        """The methods of the columns, in the published order."""
        return list(self.cells["method"].unique())

    @property
    def cells(self) -> pd.DataFrame:
        """The numbers that form the table."""
        return self.numbers[self.numbers["source"] == self.source]


def find_published(name: str) -> Path | None:
    """Find the folder of a published table by its name in ``tables`` or its path; None if there is none."""
    for folder in (HOME / name, Path(name)):
        if (folder / NUMBERS).is_file():
            return folder
    return None


def open_published(folder: Path) -> Published:
    """Read a published table.

    Args:
        folder: folder with ``layout.toml`` and ``published.csv``.

    Raises:
        InputError: a file is missing or incomplete, or contains a number twice.
    """
    for name in (LAYOUT, NUMBERS):
        if not (folder / name).is_file():
            raise InputError(f"{str(folder)!r} is not a published table: it has no {name}")
    layout, numbers = _read_layout(folder / LAYOUT), _read_numbers(folder / NUMBERS)
    if layout["source"] not in set(numbers["source"]):
        raise unknown("source", layout["source"], numbers["source"].unique())
    return Published(folder=folder, numbers=numbers, **layout)


def _read_layout(path: Path) -> dict[str, Any]:
    try:
        layout = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: {error}") from error
    wanted = {field.name for field in fields(Published)} - {"folder", "numbers"}
    if set(layout) != wanted:
        raise InputError(f"{path} holds {sorted(layout)}, but must hold {sorted(wanted)}")
    return layout | {name: tuple(layout[name]) for name in ("training_images", "baselines", "retrained")}


def _read_numbers(path: Path) -> pd.DataFrame:
    numbers = pd.read_csv(path, keep_default_na=False)
    if absent := [column for column in COLUMNS if column not in numbers]:
        raise InputError(f"{path} lacks the columns {', '.join(absent)}")
    try:
        numbers = numbers.astype({"parameter": float, "psnr": float})
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    twice = numbers[numbers.duplicated(["source", *ROW, "method"])]
    if len(twice):
        raise InputError(f"{path} has two numbers of {twice.iloc[0].to_dict()}")
    return numbers
