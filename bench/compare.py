"""What changed from one folder of results to another, cell by cell, on the same noisy images."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.caption import title
from bench.comparable import (
    CELL,
    NOISY,
    PROTOCOL,
    SAME_SCORE,
    Protocol,
    check_same_noisy_images,
    noise_label,
    parts_of,
    require,
)
from bench.contrasts import ALPHA, MEANING, cell_differences, written
from bench.errors import InputError
from bench.figures import open_folder
from bench.markup import MISSING
from bench.sheet import Sheet
from bench.statistics import mean_of, seed_scatter
from bench.tabulate import by_protocol, tabulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bench.results import Results
    from bench.statistics import Difference
    from bench.tabulate import Cell, Table

COLUMNS = ["key", "seed", "image", "sees", "precision", *PROTOCOL, *CELL, "psnr", *NOISY, "training_seconds"]
HEADER = ["noise", "test set", "method", "A (dB)", "B (dB)", "B − A (dB)", "p", "seeds", "code"]
HEADER += ["seconds B/A", "verdict"]
NUMBERS = [*CELL, "psnr_a", "psnr_b", "difference", "low", "high", "p_holm", "n_images", "n_seeds", "code"]
NUMBERS += ["seconds_ratio", "verdict"]
READING = (
    "A, B: mean PSNR over the seeds that both have. Verdict: same, where every image has the same PSNR to "
    f"{SAME_SCORE:g} dB; better or worse, where B differs from A with p < {ALPHA:g}; no difference shown, "
    "where the images do not tell. Code: whether the file in which the method is written is the same in all "
    "these runs. Seconds B/A: ratio of the training times, whatever else the machines had to do."
)
DIGITS = 12
"""Of a commit or a fingerprint, to name it by."""
ONE_SEED = (
    "No cell has two seeds: how much retraining with another seed changes is not known, and the intervals do "
    "not hold it."
)


def compare(a: Results, b: Results, *, names: tuple[str, str]) -> list[Sheet]:
    """Say what changed from A to B under each protocol that both have.

    Protocols are paired where all but their devices is equal. A cell of which a seed failed is not compared,
    since the seeds that did not fail would flatter it.

    Args:
        a: the results to start from.
        b: the results to compare with them.
        names: of the two, for the notes, such as their folders.

    Returns:
        One sheet for each pair of protocols, in their order: a row for each cell that both have, from weak to
        strong noise. Its notes say how to read it, how far two trainings of one cell differ, what was not
        the same for both, and which cells only one has or lost to a failure. The numbers hold all cells that
        finished in either. The last sheet names the protocols that only one has.

    Raises:
        InputError: there is no protocol in common, one of the two holds runs of a common one on two devices,
            training or test images differ, or scores cannot be compared (see ``check_comparable``).
    """
    parts_a, parts_b = _parts("A", a), _parts("B", b)
    pairs = _paired_protocols(parts_a, parts_b)
    *others, last = [_sheet(ours, theirs, names) for ours, theirs in pairs]
    shared = {ours.alike for ours, _ in pairs}
    alone = [note for part in parts_a + parts_b if part.alike not in shared for note in _alone(part)]
    return [*others, replace(last, notes=last.notes + alone)]


def write_comparison(sheets: Sequence[Sheet], *, folder: Path, stem: str = "compare") -> list[Path]:
    """Write sheets as Markdown, CSV and LaTeX; several as ``stem-1``, ``stem-2`` and so on.

    Args:
        sheets: as by ``compare``.
        folder: made if it does not exist.
        stem: of the files' names.

    Returns:
        All files.

    Raises:
        InputError: the folder cannot be written.
    """
    open_folder(folder)
    stems = [stem] if len(sheets) == 1 else [f"{stem}-{number}" for number in range(1, len(sheets) + 1)]
    return [file for sheet, name in zip(sheets, stems, strict=True) for file in sheet.write(folder, name)]


# The runs of one protocol in one folder


@dataclass(frozen=True)
class _Part:
    """The runs of one protocol in A or in B."""

    name: str
    table: Table
    scores: pd.DataFrame
    results: Results

    @property
    def alike(self) -> Protocol:
        """What the protocol of the other must be equal to."""
        return replace(self.table.protocol, device="")

    @cached_property
    def cells(self) -> dict[tuple[Any, ...], Cell]:
        """What became of each cell that was tried."""
        return {
            (row.noise, row.parameter, row.images, cell.method): cell
            for row in self.table.rows
            for cell in row.cells
            if cell.status != "missing"
        }

    @cached_property
    def finished(self) -> dict[tuple[Any, ...], pd.DataFrame]:
        """The scores of each cell of which no seed failed."""
        parts = parts_of(self.scores, CELL)
        return {cell: parts[cell] for cell, what in self.cells.items() if what.status == "done"}

    @cached_property
    def facts(self) -> dict[str, dict[str, Any]]:
        """The facts of each finished run, by its key."""
        return {key: self.results.facts(key) for key in sorted(set(self.scores["key"]))}


def _parts(name: str, results: Results) -> list[_Part]:
    scores, failures = results.scores(), results.failures()
    tables = tabulate(scores, failures)
    scores = require(scores, columns=COLUMNS)
    by = by_protocol(scores)
    return [_Part(name, table, by.get(table.protocol, scores.iloc[:0]), results) for table in tables]


# Protocols


def _paired_protocols(parts_a: list[_Part], parts_b: list[_Part]) -> list[tuple[_Part, _Part]]:
    shared = {part.alike for part in parts_a} & {part.alike for part in parts_b}
    if not shared:
        raise _unlike(parts_a, parts_b)
    for parts in (parts_a, parts_b):
        _check_one_device([part for part in parts if part.alike in shared])
    return [(ours, theirs) for ours in parts_a for theirs in parts_b if ours.alike == theirs.alike]


def _check_one_device(parts: list[_Part]) -> None:
    for protocol, count in Counter(part.alike for part in parts).items():
        if count > 1:
            devices = sorted(part.table.protocol.device for part in parts if part.alike == protocol)
            raise InputError(
                f"{parts[0].name} holds runs of one protocol on {' and on '.join(devices)}, so that it is "
                "open which to compare; keep those of each device in a folder of their own"
            )


def _unlike(parts_a: list[_Part], parts_b: list[_Part]) -> InputError:
    """Build the error that names the fields in which the two most similar protocols differ."""
    differences = [_differing(a.alike, b.alike) for a in parts_a for b in parts_b]
    _, fewest = min((len(found), ", ".join(found)) for found in differences)
    return InputError(
        "A and B share no protocol, and unlike ones are never compared; the two most alike differ in "
        f"{fewest}"
    )


def _differing(a: Protocol, b: Protocol) -> list[str]:
    ours, theirs = asdict(a), asdict(b)
    return [
        f"{name} ({ours[name]} in A, {theirs[name]} in B)" for name in PROTOCOL if ours[name] != theirs[name]
    ]


def _alone(part: _Part) -> list[str]:
    cells = f"{len(part.cells)} cell{'s' if len(part.cells) > 1 else ''}"
    return [f"Protocol that only {part.name} has: {title(part.table.protocol)} ({cells}).", *_failures(part)]


# Cells


@dataclass(frozen=True)
class _Pair:
    """A cell that both have: the scores of their common seeds, and how far B lies above A."""

    a: pd.DataFrame
    b: pd.DataFrame
    difference: Difference
    code: str

    @property
    def verdict(self) -> str:
        psnr, other = (lines.set_index(["image", "seed"])["psnr"] for lines in (self.a, self.b))
        if ((other - psnr).abs() <= SAME_SCORE).all():
            return "same"
        if self.difference.p < ALPHA:
            return "better" if self.difference.mean > 0 else "worse"
        return "no difference shown"

    @property
    def seconds_ratio(self) -> float:
        return float(self.b["training_seconds"].mean() / self.a["training_seconds"].mean())

    def row(self, cell: tuple[Any, ...]) -> list[str]:
        """Write it for a person."""
        means = [f"{mean_of(lines).value:.2f}" for lines in (self.a, self.b)]
        p = MISSING if math.isnan(self.difference.p) else f"{self.difference.p:.2g}"
        tested = [written(self.difference), p, str(self.difference.seeds)]
        stub = [noise_label(*cell[:2]), *cell[2:]]
        return [*stub, *means, *tested, self.code, f"{self.seconds_ratio:.2f}", self.verdict]

    def numbers(self, cell: tuple[Any, ...]) -> list[Any]:
        """Give it as a line of ``NUMBERS``."""
        means = [mean_of(lines).value for lines in (self.a, self.b)]
        found = vars(self.difference).values()
        return [*cell, *means, *found, self.code, self.seconds_ratio, self.verdict]


def _paired_cells(a: _Part, b: _Part) -> dict[tuple[Any, ...], _Pair]:
    """Pair the runs of equal cells and seeds."""
    ours, theirs = {}, {}
    for cell in (cell for cell in a.finished if cell in b.finished):
        parts = a.finished[cell], b.finished[cell]
        _check_same_files(cell, *parts)
        seeds = set(parts[0]["seed"]) & set(parts[1]["seed"])
        if seeds:
            ours[cell], theirs[cell] = (lines[lines["seed"].isin(seeds)] for lines in parts)
    return {
        cell: _Pair(ours[cell], theirs[cell], difference, _code(a, ours[cell], b, theirs[cell]))
        for cell, difference in cell_differences(theirs, ours).items()
    }


def _check_same_files(cell: tuple[Any, ...], ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    if other := set(ours["image"]) ^ set(theirs["image"]):
        raise InputError(
            f"only one of A and B has scores of image {min(other)!r} of {cell[2]}; the test sets of one name "
            "must hold the same images"
        )


def _code(a: _Part, ours: pd.DataFrame, b: _Part, theirs: pd.DataFrame) -> str:
    """Tell whether each seed was trained by the same source file in both."""
    sources = [
        {
            (seed, part.facts[key]["source"]["sha256"])
            for key, seed in zip(lines["key"], lines["seed"], strict=True)
        }
        for part, lines in ((a, ours), (b, theirs))
    ]
    return "same" if sources[0] == sources[1] else "changed"


def _check_same_images(a: _Part, b: _Part) -> None:
    """Refuse training sets of one name and other pixels, and noisy test images that differ."""
    ours, theirs = (
        {facts["run"]["fingerprint"][:DIGITS] for facts in part.facts.values()} for part in (a, b)
    )
    if ours != theirs:
        raise InputError(
            f"the training images {a.alike.training_images!r} are not the same in A and in B: their "
            f"fingerprints begin with {_joined(ours)} in A, with {_joined(theirs)} in B"
        )
    check_same_noisy_images(pd.concat([a.scores, b.scores]))


# The sheet


def _sheet(a: _Part, b: _Part, names: tuple[str, str]) -> Sheet:
    pairs = {}
    if len(a.scores) and len(b.scores):  # else all runs of one failed
        _check_same_images(a, b)
        pairs = _paired_cells(a, b)
    alone = [*_unpaired(a, b, pairs), *_unpaired(b, a, pairs)]
    numbers = [pair.numbers(cell) for cell, pair in pairs.items()] + [line for _, _, line in alone]
    devices = sorted({part.table.protocol.device for part in (a, b)})
    return Sheet(
        f"From A to B: {title(replace(a.table.protocol, device=' and '.join(devices)))}",
        HEADER,
        [pair.row(cell) for cell, pair in pairs.items()],
        [
            f"A: {names[0]}. B: {names[1]}.",
            f"B − A: {MEANING.format(tests=len(pairs))}",
            READING,
            *_too_few_images(pairs),
            *(_retraining(a) + _retraining(b) or [ONE_SEED]),
            *_circumstances(a, b),
            *_unlike_runs(pairs),
            *_listed((heading, text) for heading, text, _ in alone),
            *_failures(a),
            *_failures(b),
        ],
        pd.DataFrame(numbers, columns=NUMBERS),
        left=3,
    )


def _unpaired(
    part: _Part, other: _Part, pairs: dict[tuple[Any, ...], _Pair]
) -> Iterable[tuple[str, str, list[Any]]]:
    """List the finished cells without a partner: a heading, a text and a line of ``NUMBERS`` for each."""
    for cell, lines in part.finished.items():
        if cell in pairs:
            continue
        partner = other.cells.get(cell)
        if partner is None:
            verdict = f"only in {part.name}"
        else:
            verdict = (
                f"failed in {other.name}" if partner.status == "failed" else f"other seeds in {other.name}"
            )
        mean = mean_of(lines)
        seeds = ", ".join(str(seed) for seed in sorted(set(lines["seed"])))
        text = (
            f"{_where(cell)}: {mean.value:.2f} dB in {part.name}, seed{'s' if mean.seeds > 1 else ''} {seeds}"
        )
        psnr = [mean.value, math.nan] if part.name == "A" else [math.nan, mean.value]
        line = [*cell, *psnr, *[math.nan] * 4, mean.images, mean.seeds, "", math.nan, verdict]
        yield f"{verdict}: {cell[3]}", text, line


def _failures(part: _Part) -> list[str]:
    return [
        f"Failed in {part.name}: {cell[3]}, {_where(cell)}: {' '.join(what.error.split())}."
        for cell, what in part.cells.items()
        if what.status == "failed"
    ]


def _retraining(part: _Part) -> list[str]:
    """Say for each test set how far two trainings of one cell differ, where two seeds show it."""
    return [
        f"Retraining: two trainings of a cell in {part.name} with unlike seeds, and the noise drawn anew, "
        f"differ in mean PSNR on {images} by up to {seed_scatter(lines).retraining:.3f} dB (95 %); the "
        "intervals do not hold this."
        for images, lines in part.scores.groupby("images")
        if lines[[*CELL, "seed"]].drop_duplicates().duplicated(CELL).any()
    ]


def _too_few_images(pairs: dict[tuple[Any, ...], _Pair]) -> list[str]:
    """Name the test sets on which signed ranks cannot show a difference, whatever the scores."""
    counts = {cell[2]: pair.difference.images for cell, pair in pairs.items()}
    return [
        f"Too few images for a verdict of better or worse: {images} has {count}, and p is never below "
        f"{2 ** (1 - count):g} there."
        for images, count in counts.items()
        if 2 ** (1 - count) >= ALPHA
    ]


def _circumstances(a: _Part, b: _Part) -> list[str]:
    """Name what else was not the same for all runs of both: device, machine, commit, versions."""
    ours, theirs = _found(a), _found(b)
    return [
        f"Not the same: {name}: {_joined(ours[name])} in A, {_joined(theirs[name])} in B."
        for name in ours
        if name in theirs and ours[name] != theirs[name]
    ]


def _found(part: _Part) -> dict[str, set[str]]:
    """Gather the values of each circumstance over the runs."""
    found = {"device": {part.table.protocol.device}}
    for facts in part.facts.values():
        circumstances = {"hardware": facts["hardware"]["name"], "threads": str(facts["hardware"]["threads"])}
        circumstances |= {"commit": _commit(facts), **facts["versions"]}
        for name, value in circumstances.items():
            found.setdefault(name, set()).add(value)
    return found


def _unlike_runs(pairs: dict[tuple[Any, ...], _Pair]) -> list[str]:
    """Name the cells in which the precision is another, or what the method sees."""
    return _listed(
        (f"{column} of {cell[3]}: {ours} in A, {theirs} in B", _where(cell))
        for column in ("precision", "sees")
        for cell, pair in pairs.items()
        if (ours := pair.a[column].iloc[0]) != (theirs := pair.b[column].iloc[0])
    )


def _commit(facts: dict[str, Any]) -> str:
    head, plus, changes = str(facts["commit"] or "unknown").partition("+")
    return f"{head[:DIGITS]}{plus}{changes}"


def _where(cell: tuple[Any, ...]) -> str:
    return f"{noise_label(*cell[:2])}, {cell[2]}"


def _joined(values: Iterable[str]) -> str:
    return " and ".join(sorted(values))


def _listed(entries: Iterable[tuple[str, str]]) -> list[str]:
    """Write one note for each heading, with all that stands under it."""
    notes: dict[str, list[str]] = {}
    for heading, text in entries:
        notes.setdefault(heading, []).append(text)
    return [f"{heading[0].upper()}{heading[1:]}: {'; '.join(texts)}." for heading, texts in notes.items()]
