"""The commands ``noisebench table`` and ``compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.analysis.tabulate import tabulate
from bench.cli.console import open_console, print_files, print_grid, print_line
from bench.cli.opening import existing_results, existing_runs
from bench.errors import InputError
from bench.published.page import write_page
from bench.published.table import find_published, open_published
from bench.tables.compare import compare as compare_results
from bench.tables.compare import write_comparison
from bench.tables.score_table import terminal, write_tables

if TYPE_CHECKING:
    from rich.console import Console

    from bench.cli.options.results import CompareOptions, TableOptions
    from bench.store.store import Store


def table(options: TableOptions) -> None:
    """Print and write the tables of stored runs, or write the page of a published table."""
    if folder := find_published(options.what):
        _write_page(folder, options)
        return
    if options.reference is not None:
        raise InputError(f"--reference needs a published table, but {options.what!r} is not one")
    runs = Path(options.what)
    print_tables(open_console(), existing_runs(runs), options.out or runs / "tables")


def _write_page(folder: Path, options: TableOptions) -> None:
    name, reports = options.reference, options.reports
    default = folder if name is None else reports / name / folder.name
    files = write_page(open_published(folder), reports=reports, out=options.out or default, reference=name)
    print_files(files)


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


def compare(options: CompareOptions) -> None:
    """Print what changed from one folder of results to another; write it too if a folder is given."""
    folders = (options.a, options.b)
    a, b = map(existing_results, folders)
    tables = compare_results(a, b, names=(str(options.a), str(options.b)))
    console = open_console()
    for one in tables:
        print_grid(console, one.title, one.header, one.plain_rows())
        for note in one.notes:
            print_line(console, note)
    if options.out is not None:
        print_files(write_comparison(tables, folder=options.out))
