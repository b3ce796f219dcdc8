"""Arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from bench.errors import InputError

if TYPE_CHECKING:
    from bench.store.results import Results
    from bench.store.store import Store

DEFAULT_STORE = Path("runs")
REPORTS = Path("reports")

Runs = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")]
Names = Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="NAME ...")]
Data = Annotated[Path | None, tyro.conf.arg(metavar="DIR")]
Device = Annotated[str, tyro.conf.arg(metavar="auto|cpu|cuda|cuda:N|mps")]


def existing_runs(folder: Path) -> Store:
    """Open a folder of runs, and set aside what is damaged in it.

    Raises:
        InputError: there is no such folder.
    """
    from bench.store.store import Store

    if not folder.is_dir():
        raise InputError(f"there is no folder of runs at {str(folder)!r}; `noisebench run` makes one")
    store = Store(folder)
    say_set_aside(store)
    return store


def existing_results(folder: Path) -> Results:
    """Open a folder of runs, whose damaged ones are set aside, or of reference results.

    Raises:
        InputError: as by ``open_results``.
    """
    from bench.store.results import open_results
    from bench.store.store import Store

    if isinstance(results := open_results(folder), Store):
        say_set_aside(results)
    return results


def say_set_aside(store: Store) -> None:
    """Set aside the damaged runs of a store, and tell of each."""
    from bench.cli.console import open_console, say

    for damage in store.set_aside_damaged():
        say(open_console(stderr=True), ("damaged:", "bold yellow"), f" {damage}")
