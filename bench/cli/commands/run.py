"""The command ``noisebench run``."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import torch

from bench.cli.console import open_console, print_error, print_line, print_warning
from bench.cli.exit_codes import SOME_FAILED
from bench.cli.opening import set_aside_damaged
from bench.cli.print_tables import print_tables
from bench.cli.progress import Display
from bench.discovery import EVERY, listings, load_class
from bench.images.clean_image import intensities
from bench.images.sources import open_set
from bench.noise.clean_set import visible_noise
from bench.runs.cluster.resources import parse_resources
from bench.runs.context import RunContext
from bench.runs.launch import launch
from bench.runs.plan import missing_from, plan, shard_of
from bench.scoring.alexnet import LpipsUnavailable
from bench.scoring.metrics import load_lpips, too_small_for_lpips
from bench.store.reference import open_reference
from bench.store.store import Store
from bench.system.devices import open_device
from bench.training.engine import resolve_engine

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from bench.cli.options.run import RunOptions
    from bench.images.image_set import ImageSet
    from bench.runs.cluster.resources import RunResources
    from bench.runs.context import Watcher
    from bench.runs.plan import Job
    from bench.runs.recipes import Recipe
    from bench.scoring.metrics import Lpips

CHECKED = 8
"""Images of a set that are checked for noise."""


class _Grid(NamedTuple):
    """The runs of a recipe, and their images."""

    jobs: list[Job]
    training_images: ImageSet
    test_images: tuple[ImageSet, ...]


def run(options: RunOptions) -> None:
    """Train and score a grid of runs and print its table; exit with 1 if a run failed."""
    console, recipe = open_console(), options.changed_recipe()
    resources = _parse_resources(options)
    device = resources.device if resources else open_device(options.device)
    store = Store.open(options.runs)
    set_aside_damaged(store)
    grid = _open_grid(options, recipe, device)
    jobs = _choose_jobs(console, options, grid)
    if not jobs:
        return
    _print_notes(console, grid)
    context = RunContext(
        grid.training_images,
        grid.test_images,
        device,
        store,
        _load_lpips(console, options, grid, torch.device("cpu") if resources else device),
        engine=resolve_engine(options.engine, device),
        evaluations=recipe.evaluations,
        checkpoint_every=options.checkpoint_every,
    )
    _print_left_out(console, recipe, jobs)
    with Display(console, jobs) as display:
        failed = _launch(jobs, context, display, resources)
    _print_outcomes(console, display.outcomes, store)
    _print_results(console, options, context, jobs)
    if failed:
        _print_failures(failed, store)
        sys.exit(SOME_FAILED)


def _parse_resources(options: RunOptions) -> RunResources | None:
    cluster = options.cluster
    return parse_resources(
        cluster.ray,
        device=options.device,
        precision=options.precision,
        cpus=cluster.cpus_per_run,
        gpus=cluster.gpus_per_run,
    )


def _open_grid(options: RunOptions, recipe: Recipe, device: torch.device) -> _Grid:
    training_images = open_set(recipe.train, channels=recipe.channels, data=options.data)
    jobs = plan(
        recipe,
        training_images,
        device=device,
        precision=options.precision,
        training_noise=options.training_noise,
        blind=options.blind,
    )
    test_images = [open_set(name, channels=recipe.channels, data=options.data) for name in recipe.test]
    for images in (training_images, *test_images):
        _warn_of_noise(images)
    return _Grid(jobs, training_images, tuple(test_images))


def _warn_of_noise(images: ImageSet) -> None:
    """Warn if images that count as clean are visibly noisy; a few of the set are checked, evenly spread."""
    chosen = images.images[:: -(-len(images) // CHECKED)]
    sd = visible_noise(map(intensities, chosen))
    if sd is not None:
        print_warning(
            "noisy",
            f"the images of {images.name!r} count as clean, but the {len(chosen)} of {len(images)} that were "
            f"checked have noise of about sigma {255 * sd:.2g}: scores against them mean little",
        )


def _choose_jobs(console: Console, options: RunOptions, grid: _Grid) -> list[Job]:
    jobs = shard_of(grid.jobs, options.shard) if options.shard else grid.jobs
    if options.missing_from is None:
        return jobs
    return _choose_missing(console, jobs, options.missing_from, [images.name for images in grid.test_images])


def _choose_missing(console: Console, jobs: list[Job], reference: Path, images: list[str]) -> list[Job]:
    if not reference.exists():
        print_line(console, f"{reference} does not exist yet: all {len(jobs)} runs are missing from it")
        return jobs
    missing = missing_from(open_reference(reference).scores(), jobs, images)
    if missing:
        print_line(console, f"{len(missing)} of the {len(jobs)} runs are missing from {reference}")
    else:
        print_line(console, f"nothing to train: {reference} holds every run")
    return missing


def _print_notes(console: Console, grid: _Grid) -> None:
    for note in dict.fromkeys(note for job in grid.jobs for note in job.notes):
        print_line(console, f"{note[0].upper()}{note[1:]}")
    for images in (grid.training_images, *grid.test_images):
        for note in images.notes:
            print_line(console, f"{images.name}: {note}")


def _load_lpips(console: Console, options: RunOptions, grid: _Grid, device: torch.device) -> Lpips | str:
    wanted = options.changed_recipe().lpips
    if wanted is False:
        return "not asked for (--lpips)"
    try:
        lpips = load_lpips(device, options.data, download=bool(wanted))
    except LpipsUnavailable as error:
        print_line(console, ("LPIPS is left out:", "yellow"), f" {error}")
        return str(error)
    for images in grid.test_images:
        if small := too_small_for_lpips({image.name: image.pixels.shape[:2] for image in images}):
            print_line(console, (f"LPIPS on {images.name}:", "yellow"), f" {small}")
    return lpips


def _print_left_out(console: Console, recipe: Recipe, jobs: list[Job]) -> None:
    left_out = set(listings()) - {job.run.method for job in jobs}
    if EVERY not in recipe.methods:
        return
    noises = {noise.partition(":")[0] for noise in recipe.noises}
    undefined = {name for name in left_out if not noises & load_class(name).noises}
    for names, reason in (
        (undefined, "not defined for these noise models"),
        (left_out - undefined, "with patches larger than a training image"),
    ):
        if names:
            print_line(console, f"left out, {reason}: {', '.join(sorted(names))}")


def _launch(
    jobs: list[Job], context: RunContext, watcher: Watcher, resources: RunResources | None
) -> list[Job]:
    if resources is None:
        with context.stop.listening():
            return launch(jobs, context, watcher)
    # Ray is an optional dependency.
    from bench.runs.cluster.driver import connected, launch_on_cluster

    # Ray handles SIGTERM too, so it comes first.
    with connected(resources.address), context.stop.listening():
        return launch_on_cluster(jobs, context, watcher, resources=resources)


def _print_outcomes(console: Console, outcomes: list[str], store: Store) -> None:
    counts = Counter(outcome.partition(":")[0] for outcome in outcomes)
    if set(counts) == {"stored"}:
        print_line(console, "nothing to train: every run is stored already")
    else:
        counted = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        print_line(console, f"{counted}; runs are in {store.root}")


def _print_results(console: Console, options: RunOptions, context: RunContext, jobs: list[Job]) -> None:
    if options.shard:
        whole = f"`noisebench table {options.runs}` shows the grid once every shard is done"
        print_line(console, f"shard {options.shard} is done; {whole}")
        return
    keys, sets = [job.key for job in jobs], [images.name for images in context.test_images]
    print_tables(console, context.store, options.runs / "tables", keys=keys, sets=sets)


def _print_failures(failed: list[Job], store: Store) -> None:
    for job in failed:
        print_error("failed", f"{job.title}; see {store.root / 'failed' / job.key}")
