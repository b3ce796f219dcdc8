"""The command ``noisebench curve``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.console import print_files
from bench.cli.opening import existing_runs
from bench.tables.write_curves import write_curves

if TYPE_CHECKING:
    from bench.cli.options.results import CurveOptions


def curve(options: CurveOptions) -> None:
    """Write the figure and the table of PSNR against training time and FLOPs."""
    folder = options.out or options.runs / "tables"
    print_files(write_curves(existing_runs(options.runs).curves(), folder=folder))
