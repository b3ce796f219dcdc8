"""The command ``noisebench compare``: what changed from one folder of results to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from bench.cli.console import open_console, print_grid, say, say_written
from bench.cli.options import existing_results


def compare(
    a: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="A")],
    b: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="B")],
    *,
    out: Path | None = None,
) -> None:
    """Say what changed from A to B, cell by cell, as between two commits, two machines, or a fork.

    Only runs of one protocol are compared, image by image; their devices may differ.

    Args:
        a: a folder of runs or of reference results
        b: another
        out: write compare.md, compare.csv and compare.tex into this folder; default: print alone
    """
    from bench.tables.compare import compare as compare_results
    from bench.tables.compare import write_comparison

    sheets = compare_results(existing_results(a), existing_results(b), names=(str(a), str(b)))
    console = open_console()
    for sheet in sheets:
        print_grid(console, sheet.title, sheet.header, sheet.plain_rows())
        for note in sheet.notes:
            say(console, note)
    if out is not None:
        say_written(write_comparison(sheets, folder=out))
