"""The command ``noisebench collect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.console import open_console, print_line
from bench.cli.opening import existing_runs
from bench.store.reference import Reference
from bench.store.reference import collect as collect_runs

if TYPE_CHECKING:
    from bench.cli.options.results import CollectOptions


def collect(options: CollectOptions) -> None:
    """Collect stored runs in a folder of reference results."""
    before = set(Reference(options.out).keys())
    keys = collect_runs([existing_runs(folder).root for folder in options.runs], options.out).keys()
    new = len(set(keys) - before)
    print_line(open_console(), f"{len(keys)} runs are in {options.out}, {new} of them new")
