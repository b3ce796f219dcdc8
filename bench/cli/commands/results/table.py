"""The command ``noisebench table``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.console import open_console, print_files
from bench.cli.opening import existing_runs
from bench.cli.print_tables import print_tables
from bench.errors import InputError
from bench.published.page import write_page
from bench.published.table import find_published, open_published

if TYPE_CHECKING:
    from bench.cli.options.results import TableOptions


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
