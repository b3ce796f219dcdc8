"""The command line: ``noisebench run``, ``table``, ``list``, ``show``, ``denoise`` and the others."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from bench.arguments import DEFAULT_STORE, REPORTS, Data, Device, Names, Runs, existing_runs, say_set_aside
from bench.check_cli import check, new
from bench.compare_cli import compare
from bench.console import (
    BAD_INPUT,
    SIGNALLED,
    SOME_FAILED,
    STORE_LOST,
    open_console,
    print_grid,
    print_list,
    say,
    say_written,
)
from bench.durable import StorageError
from bench.errors import InputError, unknown
from bench.picture_cli import denoise, estimate, fingerprint
from bench.recipes import RECIPES, Recipe
from bench.reference_cli import collect, verify
from bench.report_cli import report
from bench.stopping import Stopped
from demos.cli import demo

if TYPE_CHECKING:
    from rich.console import Console

    from bench.images import ImageSet
    from bench.metrics import Lpips
    from bench.plan import Job
    from bench.running import Bench, Watcher
    from bench.share import Share
    from bench.store import Store

# Imports of what takes long to load stand inside the functions that need it: torch takes seconds, of which
# `list` needs nothing, and rich a tenth of one, of which `--help` needs nothing.

DEFAULT_PROFILE = DEFAULT_STORE / "profile"

app = tyro.extras.SubcommandApp()
# Tyro asks of each command in turn whether its sign for "no default" is an instance of it. Of a function it
# has to ask typeguard, which takes long to load; a hidden `object` in front answers the question without.
app.command(name="object")(tyro.conf.Suppress[object])
app.command(demo, name="demo", help="Demonstrate, with figures: score, noise.")


@app.command
def run(  # noqa: PLR0913 - one argument per option
    recipe: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RECIPE")] = "quick",
    *,
    methods: Names = None,
    noises: Names = None,
    train: str | None = None,
    test: Names = None,
    channels: Literal[1, 3] | None = None,
    width: int | None = None,
    steps: int | None = None,
    batch: int | None = None,
    patch: int | None = None,
    learning_rate: float | None = None,
    seeds: tuple[int, ...] | None = None,
    looks: int | None = None,
    lpips: bool | None = None,
    training_noise: Literal["frozen", "resampled"] = "frozen",
    blind: bool = False,
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    engine: Literal["auto", "eager", "graph", "compile"] = "auto",
    device: Device = "auto",
    missing_from: Annotated[Path | None, tyro.conf.arg(metavar="REFERENCE")] = None,
    shard: Annotated[str | None, tyro.conf.arg(metavar="I/N")] = None,
    ray: Annotated[str | None, tyro.conf.arg(metavar="auto|ADDRESS")] = None,
    gpus_per_run: float | None = None,
    cpus_per_run: int | None = None,
    checkpoint_every: float = 60,
    data: Data = None,
    runs: Runs = DEFAULT_STORE,
) -> None:
    """Train and score a grid of methods and noises, then print the table.

    Runs that are stored already are not trained again, and an interrupted one goes on from its last
    checkpoint. Several processes may fill one folder of runs, each run being done by one of them. Options
    from --methods to --lpips change the recipe, as in `noisebench run grey --methods supervised --noises
    gaussian:25 --width 32` or `noisebench run --train my/photos --test my/other/photos --noises gamma:20`.

    Args:
        recipe: quick, grey-cpu, grey, colour or tuning; `noisebench list` says what each costs and reaches.
        methods: names, with hyper-parameters if wanted: NAME:KEY=VALUE,KEY=VALUE; or all, each where defined
        noises: gaussian:SIGMA (of 255), poisson:ZETA, gamma:K
        train: training set: a name from `noisebench list`, a folder, or hub:OWNER/NAME
        test: test sets, likewise
        channels: 1 for grey, 3 for colour
        width: channels of the U-Net on its way down; 48 is full width
        steps: steps of the optimiser
        batch: patches of a step
        patch: side of a patch, pixels
        learning_rate: the highest of the schedule
        seeds: of weights, crops and noise; each seed is a run of its own
        looks: score each training so many times on its way, for `noisebench curve`
        lpips: compute LPIPS, which downloads AlexNet's weights once
        training_noise: one frozen noisy copy of each image, or noise redrawn for every patch
        blind: withhold the noise's parameter, which then differs from one training image to the next
        precision: auto takes bfloat16 where the method bears it and the device has units for it
        engine: launch steps kernel by kernel (eager), as a CUDA graph, or compiled; auto takes graph on CUDA
        device: where to train
        missing_from: do only the runs that this folder of reference results lacks, to go on with it where its
            weights are not
        shard: do the I-th of N parts of the grid, 1/N to N/N, as one of an array of machines
        ray: do the runs on a Ray cluster, at HOST:PORT; auto: the running one, or else this machine as one
        gpus_per_run: share of a GPU for each run on a cluster, as 0.25; default: 1 on cuda, 0 on cpu
        cpus_per_run: processors for each run on a cluster, and as many threads, of which the rounding of
            float32 depends; default: 1
        checkpoint_every: seconds from one checkpoint of a training to the next
        data: folder with the image sets, as DIR/set12/01.png; default: $NOISEBENCH_DATA, else downloads
        runs: where runs are stored
    """
    from bench.devices import open_device
    from bench.plan import plan, shard_of
    from bench.progress import Display
    from bench.running import Bench
    from bench.sets import open_set
    from bench.share import parse_share
    from bench.step import resolve_engine
    from bench.store import Store

    given = locals()
    chosen = _adapt(recipe, {name: given[name] for name in Recipe.__annotations__ if name in given})
    console = open_console()
    share = parse_share(ray, device=device, precision=precision, cpus=cpus_per_run, gpus=gpus_per_run)
    opened = share.device if share else open_device(device)
    store = Store.open(runs)
    say_set_aside(store)
    training_images = open_set(chosen.train, channels=chosen.channels, data=data)
    jobs = plan(
        chosen,
        training_images,
        device=opened,
        precision=precision,
        training_noise=training_noise,
        blind=blind,
    )
    test_images = tuple(open_set(name, channels=chosen.channels, data=data) for name in chosen.test)
    if shard:
        jobs = shard_of(jobs, shard)
    if missing_from:
        jobs = _choose_missing(console, jobs, missing_from, [images.name for images in test_images])
        if not jobs:
            return
    _say_notes(console, (training_images, *test_images))
    metric = _load_lpips(console, wanted=chosen.lpips, device="cpu" if share else str(opened))
    bench = Bench(
        training_images,
        test_images,
        opened,
        store,
        metric,
        engine=resolve_engine(engine, opened),
        looks=chosen.looks,
        checkpoint_every=checkpoint_every,
    )
    _say_left_out(console, chosen, jobs)
    with Display(console, jobs) as display:
        failed = _launch(jobs, bench, display, share)
    _say_work(console, display.outcomes, store)
    if shard:
        say(console, f"shard {shard} is done; `noisebench table {runs}` shows the grid when all of them are")
    else:
        keys, sets = [job.key for job in jobs], [images.name for images in test_images]
        _show_tables(console, store, runs / "tables", keys=keys, sets=sets)
    if failed:
        _say_failures(failed, store)
        sys.exit(SOME_FAILED)


@app.command
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
    from bench.published import find_published, open_published

    if folder := find_published(what):
        from bench.page import write_page

        default = folder if reference is None else reports / reference / folder.name
        say_written(
            write_page(open_published(folder), reports=reports, out=out or default, reference=reference)
        )
        return
    if reference is not None:
        raise InputError(f"--reference is for a published table, but {what!r} is none")
    runs = Path(what)
    _show_tables(open_console(), existing_runs(runs), out or runs / "tables")


@app.command
def curve(runs: tyro.conf.Positional[Path] = DEFAULT_STORE, *, out: Path | None = None) -> None:
    """Draw PSNR against training time and against FLOPs, of runs that were scored on their way (--looks).

    Args:
        runs: a folder of runs
        out: where the figure, its data and its table go; default: the folder `tables` in the folder of runs
    """
    from bench.curve import write_curves

    say_written(write_curves(existing_runs(runs).curves(), folder=out or runs / "tables"))


@app.command
def profile(  # noqa: PLR0913 - one argument per option
    result: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="JSON")] = None,
    *,
    trace: Annotated[str | None, tyro.conf.arg(metavar="METHOD")] = None,
    width: int = 16,
    batch: int = 8,
    patch: int = 64,
    rounds: int = 7,
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    engine: Literal["auto", "eager", "graph", "compile"] = "auto",
    device: Device = "auto",
    out: Path = DEFAULT_PROFILE,
) -> None:
    """Measure what training takes on this machine, beside what the machine could do, as table and figure.

    Needs a clone of the repository, whose throughput suite it runs by pytest-benchmark; the default size is
    that of the recipe quick.

    Args:
        result: draw this result of an earlier profile, and measure nothing
        trace: instead, write a trace of a few steps of this method, which https://ui.perfetto.dev opens
        width: channels of the U-Net on its way down
        batch: patches of a step
        patch: side of a patch, pixels
        rounds: of each timing, of which the median counts
        precision: of the network's arithmetic; auto takes bfloat16 where the device has units for it
        engine: as for `noisebench run`
        device: where to compute
        out: folder for the files
    """
    from bench.devices import open_device
    from bench.profile import caption, measure, read, write_profile
    from bench.step import resolve_engine
    from bench.trace import write_trace

    options: dict[str, Any] = {"device": device, "precision": precision, "engine": engine}
    options |= {"width": width, "batch": batch, "patch": patch}
    if trace:
        say(open_console(), f"written: {write_trace(trace, folder=out, **options)}")
        return
    if not result:
        resolve_engine(engine, open_device(device))  # or the suite would fail of it, in many words
    measured = read(result or measure(out, options | {"rounds": rounds}))
    written = write_profile(measured, folder=out)
    say(open_console(), caption(measured))
    say_written(written)


@app.command(name="list")
def list_(what: tyro.conf.Positional[Literal["all", "methods", "noises", "sets", "recipes"]] = "all") -> None:
    """List methods, noises, image sets and recipes, importing no method.

    Args:
        what: which of them
    """
    from bench.discovery import listings
    from bench.registry import REGISTRY

    sections = {
        "methods": [
            (name, f"{listing.summary()} [{listing.origin}]") for name, listing in listings().items()
        ],
        "noises": list(NOISE_LAWS.items()),
        "sets": [(name, entry.summary()) for name, entry in REGISTRY.items()],
        "recipes": [(name, recipe.summary()) for name, recipe in RECIPES.items()],
    }
    console = open_console()
    for section, lines in sections.items():
        if what in ("all", section):
            print_list(console, section, lines)


NOISE_LAWS = {
    "gaussian:SIGMA": "y = x + N(0, (SIGMA / 255)²), SIGMA > 0; 25 or 50 in the literature",
    "poisson:ZETA": "y = ZETA Poisson(x / ZETA), ZETA > 0; 0.01 or 0.05 in the literature",
    "gamma:K": "y = x Gamma(shape K, rate K), K > 1; 100 or 50 in the literature",
}


@app.command
def show(run: tyro.conf.Positional[str], *, runs: Runs = DEFAULT_STORE) -> None:
    """Show what a run was, what it ran on, and its scores.

    Args:
        run: its key, the start of its key, or its folder
        runs: the folder of runs
    """
    from bench.seal import FILES, SEAL, read_facts
    from bench.store import SCORES, Store, read_table

    folder = Store(runs).find(run)
    facts = read_facts(folder)
    console = open_console()
    hidden = ("columns", FILES, SEAL)
    console.print_json(data={name: value for name, value in facts.items() if name not in hidden})
    scores = read_table(folder, SCORES, facts)
    columns = ["images", "image", "noisy_psnr", "psnr", "noisy_ssim", "ssim", "lpips", "seconds"]
    rows = [[_number(value) for value in row] for row in scores[columns].itertuples(index=False)]
    for name, part in scores.groupby("images", sort=False):
        means = part[columns[2:]].mean()
        rows.append([str(name), "mean", *(_number(value) for value in means)])
    print_grid(console, f"scores of {folder.name}", columns, rows)


for command in (collect, verify, compare, report, check, new, denoise, estimate, fingerprint):
    app.command(command)


def main(args: list[str] | None = None) -> None:
    """Run the command line; exit as README says."""
    try:
        # Were the choice of a command given no help, tyro would search the source of `typing` for some.
        choice = tyro.conf.arg(help="one of these")
        app.cli(prog="noisebench", description=DESCRIPTION, args=args, config=[choice])
    except InputError as error:
        say(open_console(stderr=True), ("error:", "bold red"), f" {error}")
        sys.exit(BAD_INPUT)
    except StorageError as error:
        say(open_console(stderr=True), ("error:", "bold red"), f" {error}")
        sys.exit(STORE_LOST)
    except Stopped as stopped:
        text = " what is stored stays, and the same command goes on, a training from its checkpoint"
        say(open_console(stderr=True), (f"stopped by {stopped}:", "bold yellow"), text)
        sys.exit(SIGNALLED + stopped.number)


DESCRIPTION = (
    "Train self-supervised image denoisers on identical U-Nets under Gaussian, Poisson and Gamma noise, and "
    "see which to pick and what it costs. Begin with: noisebench run"
)


def _adapt(name: str, changes: dict[str, Any]) -> Recipe:
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    return replace(RECIPES[name], **{field: value for field, value in changes.items() if value is not None})


def _launch(jobs: list[Job], bench: Bench, watcher: Watcher, share: Share | None) -> list[Job]:
    if share is None:
        from bench.launch import launch

        with bench.stop.listening():
            return launch(jobs, bench, watcher)
    from bench.cluster import connected, launch_on_cluster

    # Ray hears SIGTERM too, so it comes first.
    with connected(share.address), bench.stop.listening():
        return launch_on_cluster(jobs, bench, watcher, share=share)


def _load_lpips(console: Console, *, wanted: bool, device: str) -> Lpips | str:
    import torch

    from bench.metrics import LpipsUnavailable, load_lpips

    if not wanted:
        return "not asked for (--lpips)"
    try:
        return load_lpips(torch.device(device))
    except LpipsUnavailable as error:
        say(console, ("LPIPS is left out:", "yellow"), f" {error}")
        return str(error)


def _say_notes(console: Console, sets: tuple[ImageSet, ...]) -> None:
    for images in sets:
        for note in images.notes:
            say(console, f"{images.name}: {note}")


def _say_left_out(console: Console, recipe: Recipe, jobs: list[Job]) -> None:
    from bench.discovery import EVERY, listings

    left_out = set(listings()) - {job.run.method for job in jobs}
    if EVERY in recipe.methods and left_out:
        say(console, f"left out, not defined for these noises: {', '.join(sorted(left_out))}")


def _choose_missing(console: Console, jobs: list[Job], reference: Path, images: list[str]) -> list[Job]:
    from bench.plan import missing_from
    from bench.reference import open_reference

    if not reference.exists():
        say(console, f"{reference} is not there yet: all {len(jobs)} runs are to be done")
        return jobs
    missing = missing_from(open_reference(reference).scores(), jobs, images)
    said = f"{len(missing)} of the {len(jobs)} runs are to be done" if missing else "nothing to train"
    say(console, f"{said}: {reference} holds {'the others' if missing else 'every run'}")
    return missing


def _say_work(console: Console, outcomes: list[str], store: Store) -> None:
    counts = Counter(outcome.partition(":")[0] for outcome in outcomes)
    if set(counts) == {"stored"}:
        say(console, "nothing to train: every run is stored already")
    else:
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        say(console, f"{said}; runs are in {store.root}")


def _say_failures(failed: list[Job], store: Store) -> None:
    console = open_console(stderr=True)
    for job in failed:
        where = store.root / "failed" / job.key
        say(console, ("failed:", "bold red"), f" {job.title}; see {where}")


def _show_tables(
    console: Console, store: Store, out: Path, *, keys: list[str] | None = None, sets: list[str] | None = None
) -> None:
    from bench.tabulate import tabulate
    from bench.typeset import terminal, write_tables

    scores, failures = store.scores(keys), store.failures(keys)
    if sets is not None and not scores.empty:
        scores = scores[scores["images"].isin(sets)]
    if scores.empty and failures.empty:
        raise InputError(f"there are no runs in {str(store.root)!r}; `noisebench run` makes some")
    for one in tabulate(scores, failures):
        console.print(terminal(one, width=console.width))
    say_written(write_tables(scores, failures, folder=out, stem="table"))


def _number(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4f}"
