"""The notes of a comparison: how to read it, and what else differs between A and B."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.analysis.comparability import SAME_SCORE
from bench.analysis.scatter import MOST_ALLOWED
from bench.analysis.sign_flips import ALPHA, smallest_p
from bench.output.markup import plural
from bench.tables.caption import title
from bench.tables.matching import HASH_LETTERS, Side
from bench.tables.paired_differences import DIFFERENCE_NOTE, family_sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.analysis.columns import CellKey
    from bench.store.record import RunRecord
    from bench.tables.cell_pair import CellPair, LoneCell

READING = (
    "A, B: mean PSNR over the seeds that both have. Verdict: same, where every image has the same PSNR to "
    f"{SAME_SCORE:g} dB; better or worse, where B differs from A with p < {ALPHA:g} and by more than "
    "training runs of the method scatter, if that is known; within or beyond run-to-run variance, where the "
    f"same runs were trained again: by that scatter, and at most {MOST_ALLOWED:g} dB; no difference shown, "
    "where the images do not decide. Code: whether the file in which the method is written is the same in "
    "all these runs. Seconds B/A: ratio of the training times, whatever else the machines had to do."
)
ONE_SEED = (
    "No cell of a trained method has two seeds: how much retraining with another seed changes is not known, "
    "and the intervals do not include it."
)


def comparison_notes(
    a: Side, b: Side, names: tuple[str, str], pairs: Mapping[CellKey, CellPair], alone: Sequence[LoneCell]
) -> list[str]:
    """Describe a comparison, one note per line.

    Args:
        a: runs to start from.
        b: runs to compare with them.
        names: names of their folders.
        pairs: the common cells.
        alone: finished cells without a counterpart.
    """
    return [
        f"A: {names[0]}. B: {names[1]}.",
        f"B − A: {DIFFERENCE_NOTE}, here this table: {family_sizes(pairs)}.",
        READING,
        *_too_few_images(pairs),
        *(_retraining(a) + _retraining(b) or [ONE_SEED]),
        *_other_circumstances(a, b),
        *_unlike_runs(pairs),
        *_grouped((lone.heading, lone.text) for lone in alone),
        *_failures(a),
        *_failures(b),
    ]


def notes_of_lone_setup(side: Side) -> list[str]:
    """Describe a setup that only one side has."""
    cells = plural(len(side.cells), "cell")
    return [f"Protocol that only {side.name} has: {title(side.table.setup)} ({cells}).", *_failures(side)]


def _failures(side: Side) -> list[str]:
    return [
        f"Failed in {side.name}: {key.method}, {key.condition}: {' '.join(cell.error.split())}."
        for key, cell in side.cells.items()
        if cell.status == "failed"
    ]


def _retraining(side: Side) -> list[str]:
    """Describe for each test set how far training runs of one cell scatter, if there are two seeds."""
    return [
        f"Retraining: standard deviation of a cell's mean PSNR in {side.name} on {images} between training "
        "runs with other seeds, and so other noise, dB: "
        f"{', '.join(f'{method} {scatter}' for method, scatter in found.items())}; the intervals do not "
        "include this."
        for images, found in side.scatter.items()
        if found
    ]


def _too_few_images(pairs: Mapping[CellKey, CellPair]) -> list[str]:
    """Name the test sets that are too small for the test to show any difference."""
    counts = {cell.images: pair.difference.images for cell, pair in pairs.items()}
    return [
        f"Too few images for a verdict of better or worse: {images} has {count}, and p is never below "
        f"{smallest_p(count):g} there."
        for images, count in counts.items()
        if smallest_p(count) >= ALPHA
    ]


def _other_circumstances(a: Side, b: Side) -> list[str]:
    """Name the circumstances that differ between the runs: device, machine, commit, versions."""
    ours, theirs = _circumstances(a), _circumstances(b)
    return [
        f"Not the same: {name}: {_joined(ours[name])} in A, {_joined(theirs[name])} in B."
        for name in ours
        if name in theirs and ours[name] != theirs[name]
    ]


def _circumstances(side: Side) -> dict[str, set[str]]:
    """Collect the values of each circumstance over the runs."""
    found = {"device": {side.table.setup.device}}
    for record in side.records.values():
        for name, value in (record.circumstances() | {"commit": _commit(record)}).items():
            found.setdefault(name, set()).add(value)
    return found


def _unlike_runs(pairs: Mapping[CellKey, CellPair]) -> list[str]:
    """Name the cells in which the precision, or what the method sees, differs."""
    return _grouped(
        (f"{column} of {cell.method}: {ours} in A, {theirs} in B", str(cell.condition))
        for column in ("precision", "sees")
        for cell, pair in pairs.items()
        if (ours := pair.a[column].iloc[0]) != (theirs := pair.b[column].iloc[0])
    )


def _commit(record: RunRecord) -> str:
    head, plus, changes = (record.commit or "unknown").partition("+")
    return f"{head[:HASH_LETTERS]}{plus}{changes}"


def _joined(values: Iterable[str]) -> str:
    return " and ".join(sorted(values))


def _grouped(entries: Iterable[tuple[str, str]]) -> list[str]:
    """Format one note per heading, with all its texts."""
    notes: dict[str, list[str]] = {}
    for heading, text in entries:
        notes.setdefault(heading, []).append(text)
    return [f"{heading[0].upper()}{heading[1:]}: {'; '.join(texts)}." for heading, texts in notes.items()]
