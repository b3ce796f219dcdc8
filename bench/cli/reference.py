"""The commands on reference results: ``noisebench collect`` and ``verify``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import tyro

from bench.cli.console import SOME_FAILED, open_console, print_grid, say
from bench.cli.options import DEFAULT_STORE, REPORTS, Data, Device, Names, Runs, existing_runs, say_set_aside
from bench.errors import InputError

DEFAULT_VERIFIED = DEFAULT_STORE / "verified"


def collect(
    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUNS ...")],
    *,
    out: Path,
) -> None:
    """Collect the scores and facts of stored runs, without weights, as a folder of reference results.

    What the folder holds already stays, so that a reference may be collected in pieces. The throughput
    profile that lies with the runs comes too.

    Args:
        runs: folders of runs
        out: the folder of the reference, as reports/DEVICE-DATE
    """
    from bench.store.reference import Reference
    from bench.store.reference import collect as collect_runs

    before = set(Reference(out).keys())
    keys = collect_runs([existing_runs(folder).root for folder in runs], out).keys()
    say(open_console(), f"{len(keys)} runs are in {out}, {len(set(keys) - before)} of them new")


def verify(  # noqa: PLR0913 - one argument per option
    table: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")],
    *,
    cells: int = 3,
    lot: int = 0,
    keys: Names = None,
    reference: str | None = None,
    device: Device = "auto",
    data: Data = None,
    reports: Path = REPORTS,
    runs: Runs = DEFAULT_VERIFIED,
) -> None:
    """Make some runs of a published table's reference anew, and say which numbers are reproduced.

    Runs whose weights lie in --runs are evaluated anew, the others trained anew; exits with 1 where a number
    is not reproduced. What is allowed is the scatter of trainings of the same runs, and holds for all numbers
    together in 95 % of cases.

    Args:
        table: a published table by its name or folder, as tables/NAME
        cells: how many runs to draw by lot
        lot: seed of the lot
        keys: verify these runs instead, by their keys
        reference: name of the reference results, where not those beside which the table stands
        device: where to train
        data: as for `noisebench run`
        reports: the folder of reference results
        runs: where runs made anew are stored
    """
    from bench.analysis.columns import noise_label
    from bench.cli.progress import Display
    from bench.published.reproduction import reproduce
    from bench.published.table import find_published, open_published
    from bench.published.verify import draw_lot
    from bench.published.verify import verify as verify_runs
    from bench.store.reference import find_reference
    from bench.store.store import Store
    from bench.system.devices import open_device
    from bench.training.engine import resolve_engine

    folder = find_published(table)
    if folder is None:
        raise InputError(
            f"{table!r} is not a published table, neither by its name in `tables` nor by its folder"
        )
    published = open_published(folder)
    results = find_reference(reports, reference or published.reference)
    main_runs = reproduce(published, results.scores(), results.failures()).scores
    opened, console = open_device(device), open_console()
    store = Store.open(runs)
    say_set_aside(store)
    verdicts = verify_runs(
        results,
        keys or draw_lot(main_runs, cells, seed=lot),
        retrained=[find_reference(reports, name) for name in published.retrained],
        store=store,
        device=opened,
        watch=lambda jobs: Display(console, jobs),
        data=data,
        engine=resolve_engine("auto", opened),
    )
    columns = [
        "run",
        "cell",
        "seed",
        "committed",
        "here",
        "difference",
        "allowed",
        "how",
        "outcome",
        "changed",
    ]
    rows = [
        [
            verdict.key,
            f"{verdict.method}, {noise_label(verdict.noise, verdict.parameter)}, {verdict.images}",
            str(verdict.seed),
            *(f"{psnr:.3f}" for psnr in (verdict.committed, verdict.here)),
            f"{verdict.difference:+.4f}",
            f"±{verdict.allowed:.3f}",
            verdict.how,
            verdict.outcome,
            ", ".join(verdict.changed),
        ]
        for verdict in verdicts
    ]
    title = (
        f"{results.folder} against runs made anew (PSNR, dB); in 95 % of cases all trainings together end "
        "within what is allowed"
    )
    print_grid(console, title, columns, rows)
    if not all(verdict.ok for verdict in verdicts):
        sys.exit(SOME_FAILED)
