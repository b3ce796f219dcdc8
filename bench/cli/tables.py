"""The commands ``noisebench table`` and ``curve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from bench.cli.console import open_console, say_written
from bench.cli.options import DEFAULT_STORE, REPORTS, existing_runs
from bench.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from bench.store.store import Store


def table(
    what: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUNS|NAME")] = str(DEFAULT_STORE),
    *,
    reference: str | None = None,
    out: Path | None = None,
    reports: Path = REPORTS,
) -> None:
    """Print the tables of stored runs and write them as Markdown, CSV and LaTeX.

    With the name of a published table, write its page instead: the published numbers with those of the
    reference results beside them. That needs a clone of the repository.

    Args:
        what: a folder of runs, or a published table by its name or folder
        reference: set these reference results beside the published table, by their name, where not those of
            which its page speaks
        out: where the files go; default: the folder `tables` in the folder of runs, or the table's own, or
            one of its name in that of the reference
        reports: the folder of reference results that the page speaks of
    """
    from bench.published.table import find_published, open_published

    if folder := find_published(what):
        from bench.published.page import write_page

        default = folder if reference is None else reports / reference / folder.name
        say_written(
            write_page(open_published(folder), reports=reports, out=out or default, reference=reference)
        )
        return
    if reference is not None:
        raise InputError(f"--reference is for a published table, but {what!r} is none")
    runs = Path(what)
    _show_tables(open_console(), existing_runs(runs), out or runs / "tables")


def curve(runs: tyro.conf.Positional[Path] = DEFAULT_STORE, *, out: Path | None = None) -> None:
    """Draw PSNR against training time and against FLOPs, of runs that were scored on their way (--looks).

    Args:
        runs: a folder of runs
        out: where the figure, its data and its table go; default: the folder `tables` in the folder of runs
    """
    from bench.tables.write_curves import write_curves

    say_written(write_curves(existing_runs(runs).curves(), folder=out or runs / "tables"))


def _show_tables(
    console: Console, store: Store, out: Path, *, keys: list[str] | None = None, sets: list[str] | None = None
) -> None:
    from bench.analysis.tabulate import tabulate
    from bench.tables.score_table import terminal, write_tables

    scores, failures = store.scores(keys), store.failures(keys)
    if sets is not None and not scores.empty:
        scores = scores[scores["images"].isin(sets)]
    if scores.empty and failures.empty:
        raise InputError(f"there are no runs in {str(store.root)!r}; `noisebench run` makes some")
    for one in tabulate(scores, failures):
        console.print(terminal(one, width=console.width))
    say_written(write_tables(scores, failures, folder=out, stem="table"))
