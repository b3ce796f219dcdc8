"""The command ``noisebench verify``."""

from __future__ import annotations

import sys
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bench.analysis.columns import noise_label
from bench.analysis.scatter import MOST_ALLOWED
from bench.cli.console import open_console, print_grid, print_line
from bench.cli.exit_codes import SOME_FAILED
from bench.cli.opening import set_aside_damaged
from bench.cli.progress import Display
from bench.errors import InputError
from bench.output.markup import plural
from bench.published.reproduction import reproduce
from bench.published.table import find_published, open_published
from bench.published.verify import sample_runs
from bench.published.verify import verify as verify_runs
from bench.store.reference import find_reference
from bench.store.store import Store
from bench.system.devices import open_device
from bench.training.engine import resolve_engine

if TYPE_CHECKING:
    from rich.console import Console

    from bench.cli.options.results import VerifyOptions
    from bench.published.table import Published
    from bench.published.verify import Verdict
    from bench.runs.plan import Job
    from bench.store.reference import Reference

COLUMNS = ("run", "cell", "seed", "committed", "here", "difference", "allowed", "how", "outcome", "changed")


def verify(options: VerifyOptions) -> None:
    """Re-run part of a reference and print the outcome; exit with 1 if a number is not reproduced."""
    published = _open_table(options.table)
    results = find_reference(options.reports, options.reference or published.reference)
    verdicts = _verify(options, published, results)
    title = (
        f"{results.folder} against the same runs, run again (PSNR, dB); allowed: as much as training runs of "
        f"the method scatter, in 95 % of cases all together, and at most {MOST_ALLOWED:g}"
    )
    print_grid(open_console(), title, COLUMNS, [_row(verdict) for verdict in verdicts])
    if not all(verdict.ok for verdict in verdicts):
        sys.exit(SOME_FAILED)


def _open_table(name: str) -> Published:
    folder = find_published(name)
    if folder is None:
        raise InputError(
            f"{name!r} is not a published table, neither by its name in `tables` nor by its folder"
        )
    return open_published(folder)


def _verify(options: VerifyOptions, published: Published, results: Reference) -> list[Verdict]:
    main_runs = reproduce(published, results.scores(), results.failures()).scores
    device, console = open_device(options.device), open_console()
    store = Store.open(options.runs)
    set_aside_damaged(store)
    return verify_runs(
        results,
        options.keys or sample_runs(main_runs, options.cells, seed=options.sampling_seed),
        retrained=[find_reference(options.reports, name) for name in published.retrained],
        store=store,
        device=device,
        watch=partial(_watch, console, results),
        data=options.data,
        engine=resolve_engine("auto", device),
    )


def _watch(console: Console, results: Reference, jobs: list[Job]) -> Display:
    """Print which runs were drawn and how long they once took, before the first of them starts."""
    training = [results.record(job.key).training for job in jobs]
    seconds = sum(cost.seconds for cost in training if cost)
    names = "; ".join(f"{job.title} ({job.key})" for job in jobs)
    took = f"whose training took {timedelta(seconds=round(seconds))} when they were committed"
    print_line(console, f"{plural(len(jobs), 'run')}, {took}: {names}")
    return Display(console, jobs)


def _row(verdict: Verdict) -> list[str]:
    return [
        verdict.key,
        f"{verdict.method}, {noise_label(verdict.noise, verdict.parameter)}, {verdict.images}",
        str(verdict.seed),
        f"{verdict.committed:.3f}",
        f"{verdict.here:.3f}",
        f"{verdict.difference:+.4f}",
        f"{verdict.allowed:.3f}",
        verdict.how,
        verdict.outcome,
        ", ".join(verdict.changed),
    ]
