"""Compare two folders of results, cell by cell, on the same noisy images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from bench.output.markup import stems
from bench.output.text_table import TextTable
from bench.system.files import open_folder
from bench.tables.caption import title
from bench.tables.cell_pair import COMPARISON_COLUMNS, COMPARISON_HEADER
from bench.tables.comparison_notes import comparison_notes, notes_of_lone_setup
from bench.tables.matching import Side, lone_cells, pair_cells, pair_setups, sides_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.store.results import Results


def compare(a: Results, b: Results, *, names: tuple[str, str]) -> list[TextTable]:
    """Compare the results of two folders under each protocol that both have.

    Setups are paired if they are equal except for the device. A cell with a failed seed is not compared,
    since the other seeds would flatter it.

    Args:
        a: results to start from.
        b: results to compare with them.
        names: names of the two for the notes, such as their folders.

    Returns:
        One table for each pair of setups, in their order: a row for each common cell, from weak to strong
        noise. Its notes explain how to read it, how far two training runs of one cell differ, which
        circumstances differed, and which cells are missing or failed on one side. The numbers include all
        cells that finished on either side. The last table lists the protocols that only one side has.

    Raises:
        InputError: there is no common protocol, one side has runs of a common one on two devices,
            training or test images differ, or scores cannot be compared (see ``check_comparable``).
    """
    sides_a, sides_b = sides_in("A", a), sides_in("B", b)
    pairs = pair_setups(sides_a, sides_b)
    *others, last = [_table(ours, theirs, names) for ours, theirs in pairs]
    shared = {ours.setup for ours, _ in pairs}
    alone = [side for side in sides_a + sides_b if side.setup not in shared]
    notes = [note for side in alone for note in notes_of_lone_setup(side)]
    return [*others, replace(last, notes=[*last.notes, *notes])]


def _table(a: Side, b: Side, names: tuple[str, str]) -> TextTable:
    pairs = pair_cells(a, b)
    alone = lone_cells(a, b, pairs) + lone_cells(b, a, pairs)
    devices = " and ".join(sorted({side.table.setup.device for side in (a, b)}))
    numbers = [pair.numbers() for pair in pairs.values()] + [lone.numbers() for lone in alone]
    return TextTable(
        f"From A to B: {title(replace(a.table.setup, device=devices))}",
        COMPARISON_HEADER,
        [pair.row() for pair in pairs.values()],
        comparison_notes(a, b, names, pairs, alone),
        pd.DataFrame(numbers, columns=COMPARISON_COLUMNS),
        left=3,
    )


def write_comparison(tables: Sequence[TextTable], *, folder: Path, stem: str = "compare") -> list[Path]:
    """Write tables as Markdown, CSV and LaTeX; several as ``stem-1``, ``stem-2`` and so on.

    Args:
        tables: tables, as returned by ``compare``.
        folder: created if it does not exist.
        stem: stem of the file names.

    Returns:
        All written files.

    Raises:
        InputError: the folder cannot be written.
    """
    open_folder(folder)
    names = stems(stem, len(tables))
    return [file for table, name in zip(tables, names, strict=True) for file in table.write(folder, name)]
