"""What commands print: lines, tables and lists, for a terminal or a log."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from bench.cli.escaping_console import Terminal
from bench.system.safe_names import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

LOG_WIDTH = 140


def open_console(*, stderr: bool = False) -> Console:
    """Open the standard output or error; a log, which has no width, gets one that fits a whole table."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else LOG_WIDTH
    return Terminal(width=width, stderr=stderr)


def print_line(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print texts, some with a style, on one line of any length; line breaks within them are escaped."""
    shown = [visible(part) if isinstance(part, str) else (visible(part[0]), part[1]) for part in parts]
    console.print(Text.assemble(*shown), soft_wrap=True)


def print_error(title: str, message: str) -> None:
    """Print an error to the standard error."""
    print_line(open_console(stderr=True), (f"{title}:", "bold red"), f" {message}")


def print_warning(title: str, message: str) -> None:
    """Print a warning to the standard error."""
    print_line(open_console(stderr=True), (f"{title}:", "bold yellow"), f" {message}")


def print_files(files: Sequence[Path]) -> None:
    """Print the names of the files that were written."""
    print_line(open_console(), f"written: {', '.join(map(str, files))}")


def print_grid(console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of plain text below its title."""
    grid = Table(title=title, title_justify="left")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    console.print(grid)


def print_list(console: Console, title: str, lines: Sequence[tuple[str, str]]) -> None:
    """Print names with their meanings."""
    grid = Table.grid(padding=(0, 2, 0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column()
    for name, text in lines:
        grid.add_row(Text(name), Text(text))
    console.print(Text(title, "underline"))
    console.print(grid)
    console.print()
