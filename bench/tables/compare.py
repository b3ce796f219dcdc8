"""What changed from one folder of results to another, cell by cell, on the same noisy images."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.columns import CELL
from bench.analysis.comparability import SAME_SCORE
from bench.analysis.means import mean_of
from bench.analysis.scatter import seed_scatter, shows_scatter
from bench.output.markup import plural
from bench.output.text_table import TextTable
from bench.system.files import open_folder
from bench.tables.caption import title
from bench.tables.matching import (
    DIGITS,
    Pair,
    Part,
    check_same_images,
    paired_cells,
    paired_protocols,
    parts_in,
)
from bench.tables.paired_differences import ALPHA, MEANING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bench.analysis.columns import CellKey
    from bench.store.record import RunRecord
    from bench.store.results import Results

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
ONE_SEED = (
    "No cell has two seeds: how much retraining with another seed changes is not known, and the intervals do "
    "not hold it."
)


def compare(a: Results, b: Results, *, names: tuple[str, str]) -> list[TextTable]:
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
    parts_a, parts_b = parts_in("A", a), parts_in("B", b)
    pairs = paired_protocols(parts_a, parts_b)
    *others, last = [_sheet(ours, theirs, names) for ours, theirs in pairs]
    shared = {ours.alike for ours, _ in pairs}
    alone = [note for part in parts_a + parts_b if part.alike not in shared for note in _alone(part)]
    return [*others, replace(last, notes=[*last.notes, *alone])]


def write_comparison(sheets: Sequence[TextTable], *, folder: Path, stem: str = "compare") -> list[Path]:
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


def _sheet(a: Part, b: Part, names: tuple[str, str]) -> TextTable:
    pairs = {}
    if len(a.scores) and len(b.scores):  # else all runs of one failed
        check_same_images(a, b)
        pairs = paired_cells(a, b)
    alone = [*_unpaired(a, b, pairs), *_unpaired(b, a, pairs)]
    numbers = [pair.numbers(cell) for cell, pair in pairs.items()] + [line for _, _, line in alone]
    devices = sorted({part.table.setup.device for part in (a, b)})
    return TextTable(
        f"From A to B: {title(replace(a.table.setup, device=' and '.join(devices)))}",
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


def _unpaired(part: Part, other: Part, pairs: dict[CellKey, Pair]) -> Iterable[tuple[str, str, list[Any]]]:
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
        noun = "seeds" if mean.seeds > 1 else "seed"
        text = f"{cell.condition}: {mean.value:.2f} dB in {part.name}, {noun} {seeds}"
        psnr = [mean.value, math.nan] if part.name == "A" else [math.nan, mean.value]
        line = [*cell, *psnr, *[math.nan] * 4, mean.images, mean.seeds, "", math.nan, verdict]
        yield f"{verdict}: {cell.method}", text, line


def _alone(part: Part) -> list[str]:
    cells = plural(len(part.cells), "cell")
    return [f"Protocol that only {part.name} has: {title(part.table.setup)} ({cells}).", *_failures(part)]


def _failures(part: Part) -> list[str]:
    return [
        f"Failed in {part.name}: {cell.method}, {cell.condition}: {' '.join(what.error.split())}."
        for cell, what in part.cells.items()
        if what.status == "failed"
    ]


def _retraining(part: Part) -> list[str]:
    """Say for each test set how far two trainings of one cell differ, where two seeds show it."""
    return [
        f"Retraining: two trainings of a cell in {part.name} with unlike seeds, and the noise drawn anew, "
        f"differ in mean PSNR on {images} by up to {seed_scatter(lines).retraining():.3f} dB (95 %); the "
        "intervals do not hold this."
        for images, lines in part.scores.groupby("images")
        if shows_scatter(lines)
    ]


def _too_few_images(pairs: dict[CellKey, Pair]) -> list[str]:
    """Name the test sets on which signed ranks cannot show a difference, whatever the scores."""
    counts = {cell.images: pair.difference.images for cell, pair in pairs.items()}
    return [
        f"Too few images for a verdict of better or worse: {images} has {count}, and p is never below "
        f"{2 ** (1 - count):g} there."
        for images, count in counts.items()
        if 2 ** (1 - count) >= ALPHA
    ]


def _circumstances(a: Part, b: Part) -> list[str]:
    """Name what else was not the same for all runs of both: device, machine, commit, versions."""
    ours, theirs = _found(a), _found(b)
    return [
        f"Not the same: {name}: {_joined(ours[name])} in A, {_joined(theirs[name])} in B."
        for name in ours
        if name in theirs and ours[name] != theirs[name]
    ]


def _found(part: Part) -> dict[str, set[str]]:
    """Gather the values of each circumstance over the runs."""
    found = {"device": {part.table.setup.device}}
    for record in part.records.values():
        circumstances = {"hardware": record.hardware.name, "threads": str(record.hardware.threads)}
        circumstances |= {"commit": _commit(record), **record.versions}
        for name, value in circumstances.items():
            found.setdefault(name, set()).add(value)
    return found


def _unlike_runs(pairs: dict[CellKey, Pair]) -> list[str]:
    """Name the cells in which the precision is another, or what the method sees."""
    return _listed(
        (f"{column} of {cell.method}: {ours} in A, {theirs} in B", str(cell.condition))
        for column in ("precision", "sees")
        for cell, pair in pairs.items()
        if (ours := pair.a[column].iloc[0]) != (theirs := pair.b[column].iloc[0])
    )


def _commit(record: RunRecord) -> str:
    head, plus, changes = (record.commit or "unknown").partition("+")
    return f"{head[:DIGITS]}{plus}{changes}"


def _joined(values: Iterable[str]) -> str:
    return " and ".join(sorted(values))


def _listed(entries: Iterable[tuple[str, str]]) -> list[str]:
    """Write one note for each heading, with all that stands under it."""
    notes: dict[str, list[str]] = {}
    for heading, text in entries:
        notes.setdefault(heading, []).append(text)
    return [f"{heading[0].upper()}{heading[1:]}: {'; '.join(texts)}." for heading, texts in notes.items()]
