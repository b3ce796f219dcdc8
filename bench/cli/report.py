"""The command that writes the report."""

from __future__ import annotations

from pathlib import Path

import tyro

from bench.cli.console import say_written
from bench.cli.options import DEFAULT_STORE, Data, Names, existing_results, existing_runs
from bench.errors import InputError


def report(
    results: tyro.conf.Positional[Path] = DEFAULT_STORE,
    *,
    runs: Path | None = None,
    out: Path | None = None,
    pictures: int = 3,
    data: Data = None,
    test: Names = None,
) -> None:
    """Write one page with all that stored runs say: report.html, and its figures for papers.

    The page needs no network. The figures lie beside it in the folder `figures`, each as PNG, SVG and PDF
    with its numbers as CSV.

    Args:
        results: a folder of runs, or one of reference results
        runs: folder of the runs that reference results were collected from, which alone keep pictures and
            curves
        out: where the files go; default: the folder `report` in that of the results
        pictures: of each noise and test set, as far as runs kept them
        data: folder with the image sets, for the clean pictures; default: $NOISEBENCH_DATA
        test: test sets of your own by folder, as they were given to `noisebench run`
    """
    from bench.report.write import Pictures, write_report

    if pictures < 0:
        raise InputError(f"--pictures must be at least 0, but is {pictures}")

    written = write_report(
        existing_results(results),
        results,
        runs=existing_runs(runs).root if runs else None,
        out=out or results / "report",
        pictures=Pictures(pictures, data, test or ()),
    )
    say_written(written[:1])
