"""Tables of stored runs, printed to a terminal and written to files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.analysis.tabulate import tabulate
from bench.cli.console import print_files
from bench.errors import InputError
from bench.tables.score_table import terminal, write_tables

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from bench.store.store import Store


def print_tables(
    console: Console, store: Store, out: Path, *, keys: list[str] | None = None, sets: list[str] | None = None
) -> None:
    """Print the tables of stored runs, and write them.

    Args:
        console: the console to print to.
        store: the runs.
        out: folder for the files.
        keys: keys of the runs to show; None shows all.
        sets: names of the test sets to show; None shows all.

    Raises:
        InputError: there are no such runs.
    """
    scores, failures = store.scores(keys), store.failures(keys)
    if sets is not None and not scores.empty:
        scores = scores[scores["images"].isin(sets)]
    if scores.empty and failures.empty:
        raise InputError(f"there are no runs in {str(store.root)!r}; `noisebench run` makes some")
    for one in tabulate(scores, failures):
        console.print(terminal(one, width=console.width))
    print_files(write_tables(scores, failures, folder=out, stem="table"))
