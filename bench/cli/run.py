"""The command ``noisebench run``."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from bench.cli.console import SOME_FAILED, open_console, say
from bench.cli.options import DEFAULT_STORE, Data, Device, Names, Runs, say_set_aside
from bench.cli.tables import _show_tables
from bench.errors import unknown
from bench.runs.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    from rich.console import Console

    from bench.images.image_set import ImageSet
    from bench.runs.cluster.resources import RunResources
    from bench.runs.context import RunContext, Watcher
    from bench.runs.plan import Job
    from bench.scoring.metrics import Lpips
    from bench.store.store import Store

RECIPE_OPTIONS = [field.name for field in fields(Recipe)]


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
    from bench.cli.progress import Display
    from bench.images.sources import open_set
    from bench.runs.cluster.resources import parse_resources
    from bench.runs.context import RunContext
    from bench.runs.plan import plan, shard_of
    from bench.store.store import Store
    from bench.system.devices import open_device
    from bench.training.engine import resolve_engine

    given = locals()
    chosen = _adapt(recipe, {name: given[name] for name in RECIPE_OPTIONS if name in given})
    console = open_console()
    share = parse_resources(ray, device=device, precision=precision, cpus=cpus_per_run, gpus=gpus_per_run)
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
    context = RunContext(
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
        failed = _launch(jobs, context, display, share)
    _say_work(console, display.outcomes, store)
    if shard:
        say(console, f"shard {shard} is done; `noisebench table {runs}` shows the grid when all of them are")
    else:
        keys, sets = [job.key for job in jobs], [images.name for images in test_images]
        _show_tables(console, store, runs / "tables", keys=keys, sets=sets)
    if failed:
        _say_failures(failed, store)
        sys.exit(SOME_FAILED)


def _adapt(name: str, changes: dict[str, Any]) -> Recipe:
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    return replace(RECIPES[name], **{field: value for field, value in changes.items() if value is not None})


def _launch(jobs: list[Job], context: RunContext, watcher: Watcher, share: RunResources | None) -> list[Job]:
    if share is None:
        from bench.runs.launch import launch

        with context.stop.listening():
            return launch(jobs, context, watcher)
    from bench.runs.cluster.driver import connected, launch_on_cluster

    # Ray hears SIGTERM too, so it comes first.
    with connected(share.address), context.stop.listening():
        return launch_on_cluster(jobs, context, watcher, share=share)


def _load_lpips(console: Console, *, wanted: bool, device: str) -> Lpips | str:
    import torch

    from bench.scoring.metrics import LpipsUnavailable, load_lpips

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
    from bench.runs.plan import missing_from
    from bench.store.reference import open_reference

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
