"""Open the folders of results that are passed to a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.console import print_warning
from bench.errors import InputError
from bench.store import recovery
from bench.store.results import open_results
from bench.store.store import Store
from bench.store.stored_runs import StoredRuns

if TYPE_CHECKING:
    from pathlib import Path

    from bench.store.results import Results


def existing_runs(folder: Path) -> Store:
    """Open a folder of runs, and set aside damaged runs.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"found no folder of runs at {str(folder)!r}; `noisebench run` makes one")
    store = Store(folder)
    set_aside_damaged(store)
    return store


def existing_results(folder: Path) -> Results:
    """Open a folder of runs, setting aside damaged ones, or a folder of reference results.

    Raises:
        InputError: as raised by ``open_results``.
    """
    if isinstance(results := open_results(folder), StoredRuns):
        set_aside_damaged(results)
    return results


def set_aside_damaged(runs: StoredRuns) -> None:
    """Set aside the damaged runs of a store, and print their names."""
    for damage in recovery.set_aside_damaged(runs.root):
        print_warning("damaged", damage)
