"""The command ``noisebench report``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.console import print_files
from bench.cli.opening import existing_results, existing_runs
from bench.errors import InputError
from bench.report.image_options import ImageOptions
from bench.report.write import write_report

if TYPE_CHECKING:
    from bench.cli.options.results import ReportOptions


def report(options: ReportOptions) -> None:
    """Write the report of a folder of results."""
    if options.images < 0:
        raise InputError(f"--images must be at least 0, but is {options.images}")
    files = write_report(
        existing_results(options.results),
        options.results,
        runs=existing_runs(options.runs).root if options.runs else None,
        out=options.out or options.results / "report",
        images=ImageOptions(options.images, options.data, options.test or ()),
    )
    print_files(files[:1])
