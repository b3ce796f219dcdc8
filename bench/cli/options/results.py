"""The options of the commands that read stored results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from bench.cli.options.shared import DEFAULT_STORE, REPORTS, Data, Device, Folder, Paths, Runs, optional

DEFAULT_VERIFIED = DEFAULT_STORE / "verified"


@dataclass(frozen=True)
class TableOptions:
    """Print the tables of stored runs and write them as Markdown, CSV and LaTeX.

    For a published table, write its page instead: the published numbers next to the reference results. That
    needs a clone of the repository.

    Args:
        what: a folder of runs, or the name or folder of a published table
        reference: name of the reference results to show next to the published table
        out: folder for the files; the default with --reference is REPORTS/REFERENCE/NAME
        reports: folder of the reference results that the page cites
    """

    what: Annotated[Positional[str], tyro.conf.arg(metavar="RUNS|NAME")] = str(DEFAULT_STORE)
    reference: Annotated[str | None, optional("NAME", default="those that the table's page cites")] = None
    out: Annotated[Path | None, optional("DIR", default="RUNS/tables, or the table's folder")] = None
    reports: Folder = REPORTS


@dataclass(frozen=True)
class CurveOptions:
    """Draw PSNR against training time, FLOPs and steps, and compare at equal operations and at equal PSNR.

    Runs of `noisebench run --evaluations N` are drawn from their evaluations during training. Runs with
    several numbers of steps, or other settings, are drawn from their final PSNR: one line per method and
    setup. For them, tables show the PSNR at equal operations, and what each setup takes to reach a PSNR.

    Args:
        runs: a folder of runs
        out: folder for the figures, their data and the tables
        before: settings of the setup that others are compared with, such as optimiser=adam
        level: PSNR to reach, in dB
    """

    runs: Annotated[Positional[Path], tyro.conf.arg(metavar="RUNS")] = DEFAULT_STORE
    out: Annotated[Path | None, optional("DIR", default="RUNS/tables")] = None
    before: Annotated[tuple[str, ...] | None, optional("SETTING=VALUE ...", default="the first setup")] = None
    level: Annotated[
        float | None, optional("DB", default="for each method, the lowest final PSNR of its setups")
    ] = None


@dataclass(frozen=True)
class CompareOptions:
    """Print what changed from results A to B, such as two commits, machines or forks.

    Only runs with the same protocol are compared, image by image; their devices may differ.

    Args:
        a: a folder of runs or of reference results
        b: another such folder
        out: folder for compare.md, compare.csv and compare.tex
    """

    a: Annotated[Positional[Path], tyro.conf.arg(metavar="A")]
    b: Annotated[Positional[Path], tyro.conf.arg(metavar="B")]
    out: Annotated[Path | None, optional("DIR", default="print only")] = None


@dataclass(frozen=True)
class ReportOptions:
    """Write a report of stored runs as one HTML page, and its figures as files.

    The page needs no network. The figures are in the folder `figures` next to it, each as PNG, SVG and PDF
    with its numbers as CSV.

    Args:
        results: a folder of runs or of reference results
        runs: the folder of runs from which reference results were collected; only runs keep images and curves
        out: folder for the files
        images: number of images to show per noise model and test set, among those that the runs kept;
            the former name --pictures works for one more release
        data: folder of the image sets, for the clean images
        test: folders of your own test sets, as passed to `noisebench run`
    """

    results: Annotated[Positional[Path], tyro.conf.arg(metavar="RESULTS")] = DEFAULT_STORE
    runs: Annotated[Path | None, optional("DIR", default="RESULTS, if that is a folder of runs")] = None
    out: Annotated[Path | None, optional("DIR", default="RESULTS/report")] = None
    images: Annotated[int, tyro.conf.arg(aliases=["--pictures"])] = 3
    data: Data = None
    test: Annotated[tuple[str, ...] | None, optional("DIR ...", default="none")] = None


@dataclass(frozen=True)
class CollectOptions:
    """Collect the scores and records of stored runs, without weights, as a folder of reference results.

    Runs that the folder already holds stay, so a reference can be collected in pieces. The throughput profile
    in a folder of runs is collected too.

    Args:
        runs: folders of runs
        out: folder of the reference results, such as reports/DEVICE-DATE
    """

    runs: Annotated[Paths, tyro.conf.arg(metavar="RUNS ...")]
    out: Folder


@dataclass(frozen=True)
class VerifyOptions:
    """Re-run part of the reference of a published table, and report which numbers are reproduced.

    Runs whose weights are in --runs are evaluated again, the others are trained again. The allowed difference
    is the scatter between training runs that differ by chance alone; in 95 % of cases, all numbers of sound
    runs stay within it. The exit code is 1 if a number is not reproduced.

    Args:
        table: name or folder of a published table, such as tables/NAME
        cells: number of runs to sample at random
        sampling_seed: seed of the random sample; the former name --lot works for one more release
        keys: keys of the runs to verify
        reference: name of the reference results
        device: device to train on
        data: folder of the image sets, as for `noisebench run`
        reports: folder of the reference results
        runs: folder for the new runs
    """

    table: Annotated[Positional[str], tyro.conf.arg(metavar="NAME")]
    cells: int = 3
    sampling_seed: Annotated[int, tyro.conf.arg(aliases=["--lot"])] = 0
    keys: Annotated[tuple[str, ...] | None, optional("KEY ...", default="a random sample")] = None
    reference: Annotated[str | None, optional("NAME", default="those that the table's page cites")] = None
    device: Device = "auto"
    data: Data = None
    reports: Folder = REPORTS
    runs: Runs = DEFAULT_VERIFIED


@dataclass(frozen=True)
class ShowOptions:
    """Show the settings of a run, what it ran on, and its scores.

    Args:
        run: its key, the start of its key, or its folder
        runs: folder of the stored runs
    """

    run: Annotated[Positional[str], tyro.conf.arg(metavar="RUN")]
    runs: Runs = DEFAULT_STORE
