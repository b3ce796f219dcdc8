"""Match the runs of two folders of results: equal setups, equal cells, the same noisy images."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from bench.analysis.columns import CELL, NOISY, SETUP_COLUMNS, Setup, require
from bench.analysis.comparability import check_same_noisy_images
from bench.analysis.grouping import by_cell, by_setup
from bench.analysis.means import mean_of
from bench.analysis.questions import cell_differences
from bench.analysis.scatter import Noise, seed_scatter
from bench.analysis.tabulate import tabulate
from bench.errors import InputError
from bench.tables.cell_pair import CellPair, LoneCell

if TYPE_CHECKING:
    from collections.abc import Collection

    from bench.analysis.columns import CellKey
    from bench.analysis.scatter import MethodScatter
    from bench.analysis.tabulate import Cell, Table
    from bench.store.record import RunRecord
    from bench.store.results import Results

MATCHED_COLUMNS = ["key", "seed", "image", "sees", "precision", *SETUP_COLUMNS, *CELL, "psnr", *NOISY]
MATCHED_COLUMNS += ["training_seconds"]
HASH_LETTERS = 12
"""Number of characters that identify a commit or a fingerprint."""


@dataclass(frozen=True)
class Side:
    """The runs of one setup in A or in B."""

    name: str
    table: Table
    scores: pd.DataFrame
    results: Results

    @property
    def setup(self) -> Setup:
        """The setup without the device, which may differ."""
        return replace(self.table.setup, device="")

    @cached_property
    def cells(self) -> dict[CellKey, Cell]:
        """The outcome of each cell that was run."""
        return {key: cell for key, cell in self.table.cells.items() if cell.status != "missing"}

    @cached_property
    def finished(self) -> dict[CellKey, pd.DataFrame]:
        """The scores of each cell without a failed seed."""
        parts = by_cell(self.scores)
        return {key: parts[key] for key, cell in self.cells.items() if cell.status == "done"}

    @cached_property
    def scatter(self) -> dict[str, dict[str, MethodScatter]]:
        """The scatter of each method between training seeds, by test set."""
        return {str(images): seed_scatter(lines) for images, lines in self.scores.groupby("images")}

    @cached_property
    def records(self) -> dict[str, RunRecord]:
        """The record of each finished run, by its key."""
        return {key: self.results.record(key) for key in sorted(set(self.scores["key"]))}


def sides_in(name: str, results: Results) -> list[Side]:
    """Split the runs of a folder by setup.

    Raises:
        InputError: there are no runs, or scores cannot be compared (see ``check_comparable``).
    """
    scores, failures = results.scores(), results.failures()
    tables = tabulate(scores, failures)
    scores = require(scores, columns=MATCHED_COLUMNS)
    parts = by_setup(scores)
    return [Side(name, table, parts.get(table.setup, scores.iloc[:0]), results) for table in tables]


def pair_setups(sides_a: list[Side], sides_b: list[Side]) -> list[tuple[Side, Side]]:
    """Pair setups that are equal except for the device.

    Raises:
        InputError: there is no such pair, or one folder has runs of a common setup on two devices.
    """
    shared = {side.setup for side in sides_a} & {side.setup for side in sides_b}
    if not shared:
        raise _unlike(sides_a, sides_b)
    for sides in (sides_a, sides_b):
        _check_one_device([side for side in sides if side.setup in shared])
    return [(a, b) for a in sides_a for b in sides_b if a.setup == b.setup]


def _check_one_device(sides: list[Side]) -> None:
    for setup, count in Counter(side.setup for side in sides).items():
        if count > 1:
            devices = sorted(side.table.setup.device for side in sides if side.setup == setup)
            raise InputError(
                f"{sides[0].name} holds runs of one protocol on {' and on '.join(devices)}, so that it is "
                "unclear which to compare; keep those of each device in a separate folder"
            )


def _unlike(sides_a: list[Side], sides_b: list[Side]) -> InputError:
    """Return the error that names the fields in which the two most similar setups differ."""
    differences = [_differing(a.setup, b.setup) for a in sides_a for b in sides_b]
    _, fewest = min((len(found), ", ".join(found)) for found in differences)
    return InputError(
        "A and B share no protocol, and unlike ones are never compared; the two most similar differ in "
        f"{fewest}"
    )


def _differing(a: Setup, b: Setup) -> list[str]:
    ours, theirs = a.columns(), b.columns()
    return [
        f"{name} ({ours[name]} in A, {theirs[name]} in B)"
        for name in SETUP_COLUMNS
        if ours[name] != theirs[name]
    ]


def pair_cells(a: Side, b: Side) -> dict[CellKey, CellPair]:
    """Pair the runs of equal cells and seeds, from weak to strong noise.

    Raises:
        InputError: training sets or test sets of the same name contain different images, or noisy test images
            differ.
    """
    if a.scores.empty or b.scores.empty:  # all runs on one side failed
        return {}
    _check_same_images(a, b)
    ours, theirs = {}, {}
    for cell in (cell for cell in a.finished if cell in b.finished):
        parts = a.finished[cell], b.finished[cell]
        _check_same_files(cell, *parts)
        seeds = set(parts[0]["seed"]) & set(parts[1]["seed"])
        if seeds:
            ours[cell], theirs[cell] = (lines[lines["seed"].isin(seeds)] for lines in parts)
    return {
        cell: CellPair(
            cell,
            ours[cell],
            theirs[cell],
            difference,
            code=_code(a, ours[cell], b, theirs[cell]),
            retraining=_retraining((a, b), cell),
        )
        for cell, difference in cell_differences(theirs, ours).items()
    }


def _check_same_images(a: Side, b: Side) -> None:
    """Refuse training sets of the same name with different pixels, and noisy test images that differ."""
    ours, theirs = (
        {record.run.fingerprint[:HASH_LETTERS] for record in side.records.values()} for side in (a, b)
    )
    if ours != theirs:
        raise InputError(
            f"the training images {a.setup.training_images!r} are not the same in A and in B: their "
            f"fingerprints begin with {', '.join(sorted(ours))} in A, with {', '.join(sorted(theirs))} in B"
        )
    check_same_noisy_images(pd.concat([a.scores, b.scores]))


def _check_same_files(cell: CellKey, ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    if other := set(ours["image"]) ^ set(theirs["image"]):
        raise InputError(
            f"only one of A and B has scores of image {min(other)!r} of {cell.images}; the test sets of one "
            "name must hold the same images"
        )


def _retraining(sides: tuple[Side, Side], cell: CellKey) -> float:
    """Return how far training runs of a cell may differ by either side's scatter, dB; NaN if unknown."""
    noise = Noise(cell.noise, cell.parameter)
    known = [side.scatter[cell.images] for side in sides if cell.method in side.scatter[cell.images]]
    return max((found[cell.method].under(noise).retraining() for found in known), default=math.nan)


def _code(a: Side, ours: pd.DataFrame, b: Side, theirs: pd.DataFrame) -> str:
    """Compare the source files with which each seed was trained."""
    return "same" if _sources(a, ours) == _sources(b, theirs) else "changed"


def _sources(side: Side, lines: pd.DataFrame) -> set[tuple[int, str]]:
    runs = zip(lines["key"], lines["seed"], strict=True)
    return {(seed, side.records[key].source.sha256) for key, seed in runs}


def lone_cells(side: Side, other: Side, pairs: Collection[CellKey]) -> list[LoneCell]:
    """List the finished cells of a side that have no counterpart."""
    return [
        LoneCell(cell, side.name, mean_of(lines), sorted(set(lines["seed"])), _reason(cell, side, other))
        for cell, lines in side.finished.items()
        if cell not in pairs
    ]


def _reason(cell: CellKey, side: Side, other: Side) -> str:
    """Return the reason why a cell has no counterpart."""
    partner = other.cells.get(cell)
    if partner is None:
        return f"only in {side.name}"
    return f"failed in {other.name}" if partner.status == "failed" else f"other seeds in {other.name}"
