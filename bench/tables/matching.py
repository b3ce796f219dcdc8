"""Pairs of runs from two folders of results: equal protocols, equal cells, the same noisy images."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.columns import CELL, NOISY, SETUP_COLUMNS, Setup, require
from bench.analysis.comparability import SAME_SCORE, check_same_noisy_images
from bench.analysis.grouping import by_cell, by_setup
from bench.analysis.means import mean_of
from bench.analysis.tabulate import tabulate
from bench.errors import InputError
from bench.output.markup import MISSING
from bench.tables.paired_differences import ALPHA, cell_differences, format_difference

if TYPE_CHECKING:
    from bench.analysis.columns import CellKey
    from bench.analysis.paired import Difference
    from bench.analysis.tabulate import Cell, Table
    from bench.store.record import RunRecord
    from bench.store.results import Results

COLUMNS = [
    "key",
    "seed",
    "image",
    "sees",
    "precision",
    *SETUP_COLUMNS,
    *CELL,
    "psnr",
    *NOISY,
    "training_seconds",
]
DIGITS = 12
"""Of a commit or a fingerprint, to name it by."""


@dataclass(frozen=True)
class Part:
    """The runs of one protocol in A or in B."""

    name: str
    table: Table
    scores: pd.DataFrame
    results: Results

    @property
    def alike(self) -> Setup:
        """What the protocol of the other must be equal to."""
        return replace(self.table.setup, device="")

    @cached_property
    def cells(self) -> dict[CellKey, Cell]:
        """What became of each cell that was tried."""
        return {place: cell for place, cell in self.table.cells.items() if cell.status != "missing"}

    @cached_property
    def finished(self) -> dict[CellKey, pd.DataFrame]:
        """The scores of each cell of which no seed failed."""
        parts = by_cell(self.scores)
        return {cell: parts[cell] for cell, what in self.cells.items() if what.status == "done"}

    @cached_property
    def records(self) -> dict[str, RunRecord]:
        """The record of each finished run, by its key."""
        return {key: self.results.record(key) for key in sorted(set(self.scores["key"]))}


def parts_in(name: str, results: Results) -> list[Part]:
    """Part the runs of a folder by protocol.

    Raises:
        InputError: there are none, or scores cannot be compared (see ``check_comparable``).
    """
    scores, failures = results.scores(), results.failures()
    tables = tabulate(scores, failures)
    scores = require(scores, columns=COLUMNS)
    by = by_setup(scores)
    return [Part(name, table, by.get(table.setup, scores.iloc[:0]), results) for table in tables]


def paired_protocols(parts_a: list[Part], parts_b: list[Part]) -> list[tuple[Part, Part]]:
    """Pair protocols of which all but the device is equal.

    Raises:
        InputError: there is no such pair, or one side holds runs of one of them on two devices.
    """
    shared = {part.alike for part in parts_a} & {part.alike for part in parts_b}
    if not shared:
        raise _unlike(parts_a, parts_b)
    for parts in (parts_a, parts_b):
        _check_one_device([part for part in parts if part.alike in shared])
    return [(ours, theirs) for ours in parts_a for theirs in parts_b if ours.alike == theirs.alike]


def _check_one_device(parts: list[Part]) -> None:
    for setup, count in Counter(part.alike for part in parts).items():
        if count > 1:
            devices = sorted(part.table.setup.device for part in parts if part.alike == setup)
            raise InputError(
                f"{parts[0].name} holds runs of one protocol on {' and on '.join(devices)}, so that it is "
                "open which to compare; keep those of each device in a folder of their own"
            )


def _unlike(parts_a: list[Part], parts_b: list[Part]) -> InputError:
    """Build the error that names the fields in which the two most similar protocols differ."""
    differences = [_differing(a.alike, b.alike) for a in parts_a for b in parts_b]
    _, fewest = min((len(found), ", ".join(found)) for found in differences)
    return InputError(
        "A and B share no protocol, and unlike ones are never compared; the two most alike differ in "
        f"{fewest}"
    )


def _differing(a: Setup, b: Setup) -> list[str]:
    ours, theirs = a.columns(), b.columns()
    return [
        f"{name} ({ours[name]} in A, {theirs[name]} in B)"
        for name in SETUP_COLUMNS
        if ours[name] != theirs[name]
    ]


@dataclass(frozen=True)
class Pair:
    """A cell that both have: the scores of their common seeds, and how far B lies above A."""

    a: pd.DataFrame
    b: pd.DataFrame
    difference: Difference
    code: str

    @property
    def verdict(self) -> str:
        """What the scores say in a few words."""
        psnr, other = (lines.set_index(["image", "seed"])["psnr"] for lines in (self.a, self.b))
        if ((other - psnr).abs() <= SAME_SCORE).all():
            return "same"
        if self.difference.p < ALPHA:
            return "better" if self.difference.mean > 0 else "worse"
        return "no difference shown"

    @property
    def seconds_ratio(self) -> float:
        """Training seconds of B over those of A; NaN where nothing was trained."""
        a, b = (float(lines["training_seconds"].mean()) for lines in (self.a, self.b))
        return b / a if a else math.nan

    def row(self, cell: CellKey) -> list[str]:
        """Write it for a person."""
        means = [f"{mean_of(lines).value:.2f}" for lines in (self.a, self.b)]
        p = MISSING if math.isnan(self.difference.p) else f"{self.difference.p:.2g}"
        tested = [format_difference(self.difference), p, str(self.difference.seeds)]
        stub = [cell.condition.noise_label, cell.images, cell.method]
        ratio = MISSING if math.isnan(self.seconds_ratio) else f"{self.seconds_ratio:.2f}"
        return [*stub, *means, *tested, self.code, ratio, self.verdict]

    def numbers(self, cell: CellKey) -> list[Any]:
        """Give it as a line of ``NUMBERS``."""
        means = [mean_of(lines).value for lines in (self.a, self.b)]
        found = vars(self.difference).values()
        return [*cell, *means, *found, self.code, self.seconds_ratio, self.verdict]


def paired_cells(a: Part, b: Part) -> dict[CellKey, Pair]:
    """Pair the runs of equal cells and seeds.

    Raises:
        InputError: two test sets of one name hold other images.
    """
    ours, theirs = {}, {}
    for cell in (cell for cell in a.finished if cell in b.finished):
        parts = a.finished[cell], b.finished[cell]
        _check_same_files(cell, *parts)
        seeds = set(parts[0]["seed"]) & set(parts[1]["seed"])
        if seeds:
            ours[cell], theirs[cell] = (lines[lines["seed"].isin(seeds)] for lines in parts)
    return {
        cell: Pair(ours[cell], theirs[cell], difference, _code(a, ours[cell], b, theirs[cell]))
        for cell, difference in cell_differences(theirs, ours).items()
    }


def _check_same_files(cell: CellKey, ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    if other := set(ours["image"]) ^ set(theirs["image"]):
        raise InputError(
            f"only one of A and B has scores of image {min(other)!r} of {cell.images}; the test sets of one "
            "name must hold the same images"
        )


def _code(a: Part, ours: pd.DataFrame, b: Part, theirs: pd.DataFrame) -> str:
    """Tell whether each seed was trained by the same source file in both."""
    sources = [
        {
            (seed, part.records[key].source.sha256)
            for key, seed in zip(lines["key"], lines["seed"], strict=True)
        }
        for part, lines in ((a, ours), (b, theirs))
    ]
    return "same" if sources[0] == sources[1] else "changed"


def check_same_images(a: Part, b: Part) -> None:
    """Refuse training sets of one name and other pixels, and noisy test images that differ.

    Raises:
        InputError: naming what differs.
    """
    ours, theirs = ({record.run.fingerprint[:DIGITS] for record in part.records.values()} for part in (a, b))
    if ours != theirs:
        raise InputError(
            f"the training images {a.alike.training_images!r} are not the same in A and in B: their "
            f"fingerprints begin with {', '.join(sorted(ours))} in A, with {', '.join(sorted(theirs))} in B"
        )
    check_same_noisy_images(pd.concat([a.scores, b.scores]))
