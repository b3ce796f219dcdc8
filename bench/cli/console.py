"""What commands print: text, grids and lists, for a terminal or a log."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from bench.system.safe_names import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

# rich is imported where it is needed: it takes a tenth of a second to load, and `--help` needs nothing of it.

SOME_FAILED, BAD_INPUT, STORE_LOST, SIGNALLED = 1, 2, 3, 128
"""What commands exit with; the last is added to the number of the signal that stopped them."""

LOG_WIDTH = 140


def open_console(*, stderr: bool = False) -> Console:
    """Open the standard output; a log, which has no width of its own, gets one that holds a whole table."""
    from bench.cli.escaping_console import Terminal

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else LOG_WIDTH
    return Terminal(width=width, stderr=stderr)


def say(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print texts, some with a style, on one line however long: a break within them shows as an escape."""
    from rich.text import Text

    shown = [visible(part) if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts]
    console.print(Text.assemble(*shown), soft_wrap=True)


def say_written(files: Sequence[Path]) -> None:
    """Name the files that were written."""
    say(open_console(), f"written: {', '.join(map(str, files))}")


def print_grid(console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of plain text under its title."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(title=title, title_justify="left")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    console.print(grid)


def print_list(console: Console, title: str, lines: Sequence[tuple[str, str]]) -> None:
    """Print names with what they mean."""
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 2, 0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column()
    for name, text in lines:
        grid.add_row(Text(name), Text(text))
    console.print(Text(title, "underline"))
    console.print(grid)
    console.print()
