"""The command ``noisebench compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.console import open_console, print_files, print_grid, print_line
from bench.cli.opening import existing_results
from bench.tables.compare import compare as compare_results
from bench.tables.compare import write_comparison

if TYPE_CHECKING:
    from bench.cli.options.results import CompareOptions


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
