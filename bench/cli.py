"""The command line: ``noisebench run``, ``table``, ``list``, ``show``, ``denoise`` and the others."""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from bench.errors import InputError, unknown
from bench.recipes import RECIPES, Recipe
from demos.cli import demo

if TYPE_CHECKING:
    from rich.console import Console

    from bench.images import ImageSet
    from bench.metrics import Lpips
    from bench.plan import Job
    from bench.store import Store

# Imports of what takes long to load stand inside the functions that need it: torch takes seconds, of which
# `list` needs nothing, and rich a tenth of one, of which `--help` needs nothing.

SOME_FAILED, BAD_INPUT = 1, 2
LOG_WIDTH = 140
DEFAULT_STORE = Path("runs")
DEFAULT_PROFILE = DEFAULT_STORE / "profile"
DEFAULT_VERIFIED = DEFAULT_STORE / "verified"
REPORTS = Path("reports")

app = tyro.extras.SubcommandApp()
# Tyro asks of each command in turn whether its sign for "no default" is an instance of it. Of a function it
# has to ask typeguard, which takes long to load; a hidden `object` in front answers the question without.
app.command(name="object")(tyro.conf.Suppress[object])
app.command(demo, name="demo", help="Demonstrate, with figures: score, noise.")
Runs = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")]
Names = Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="NAME ...")]
Data = Annotated[Path | None, tyro.conf.arg(metavar="DIR")]
Device = Annotated[str, tyro.conf.arg(metavar="auto|cpu|cuda|cuda:N|mps")]


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
    data: Data = None,
    runs: Runs = DEFAULT_STORE,
) -> None:
    """Train and score a grid of methods and noises, then print the table.

    Runs that are stored already are not trained again. Options from --methods to --lpips change the
    recipe, as in `noisebench run grey --methods supervised --noises gaussian:25 --width 32` or
    `noisebench run --train my/photos --test my/other/photos --noises gamma:20`.

    Args:
        recipe: quick, grey or colour; `noisebench list` says what each costs and reaches.
        methods: names, with hyper-parameters if wanted: NAME:KEY=VALUE,KEY=VALUE
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
        data: folder with the image sets, as DIR/set12/01.png; default: $NOISEBENCH_DATA, else downloads
        runs: where runs are stored
    """
    from bench.devices import open_device
    from bench.launch import Bench, launch
    from bench.plan import plan
    from bench.progress import Display
    from bench.sets import open_set
    from bench.step import resolve_engine
    from bench.store import Store

    given = locals()
    chosen = _adapt(recipe, {name: given[name] for name in Recipe.__annotations__ if name in given})
    console = _console()
    opened = open_device(device)
    store = Store.open(runs)
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
    _say_notes(console, (training_images, *test_images))
    metric = _load_lpips(console, wanted=chosen.lpips, device=str(opened))
    bench = Bench(
        training_images,
        test_images,
        opened,
        store,
        metric,
        engine=resolve_engine(engine, opened),
        looks=chosen.looks,
    )
    with Display(console, jobs) as display:
        failed = launch(jobs, bench, display)
    _say_work(console, display.outcomes, store)
    keys, sets = [job.key for job in jobs], [images.name for images in test_images]
    _show_tables(console, store, runs / "tables", keys=keys, sets=sets)
    if failed:
        _say_failures(failed, store)
        sys.exit(SOME_FAILED)


@app.command
def table(
    what: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUNS|NAME")] = str(DEFAULT_STORE),
    *,
    out: Path | None = None,
    reports: Path = REPORTS,
) -> None:
    """Print the tables of stored runs and write them as Markdown, CSV and LaTeX.

    With the name of a published table, such as `noisebench table noise2score`, write its page instead: the
    published numbers with those of the reference results beside them. That needs a clone of the repository.

    Args:
        what: a folder of runs, or a published table by its name or folder
        out: where the files go; default: the folder `tables` in the folder of runs, or the table's own
        reports: the folder of reference results that the page speaks of
    """
    from bench.published import find_published, open_published

    if folder := find_published(what):
        from bench.page import write_page

        _say_written(write_page(open_published(folder), reports=reports, out=out or folder))
        return
    from bench.store import Store

    runs = Path(what)
    _show_tables(_console(), Store(_existing(runs)), out or runs / "tables")


@app.command
def collect(
    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUNS ...")],
    *,
    out: Path,
) -> None:
    """Collect the scores and facts of stored runs, without weights, as a folder of reference results.

    What the folder holds already stays, so that a reference may be collected in pieces.

    Args:
        runs: folders of runs
        out: the folder of the reference, as reports/DEVICE-DATE
    """
    from bench.reference import collect as collect_runs

    reference = collect_runs([_existing(folder) for folder in runs], out)
    count = len(reference.keys())
    _say(_console(), f"{count} runs are in {reference.folder}")


@app.command
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
    is not reproduced.

    Args:
        table: a published table by its name or folder, as tables/noise2score
        cells: how many runs to draw by lot
        lot: seed of the lot
        keys: verify these runs instead, by their keys
        reference: name of the reference results, where there are several
        device: where to train
        data: as for `noisebench run`
        reports: the folder of reference results
        runs: where runs made anew are stored
    """
    from bench.comparable import noise_label
    from bench.devices import open_device
    from bench.progress import Display
    from bench.published import find_published, open_published
    from bench.reference import find_reference
    from bench.reproduction import reproduce
    from bench.step import resolve_engine
    from bench.store import Store
    from bench.verify import draw_lot
    from bench.verify import verify as verify_runs

    folder = find_published(table)
    if folder is None:
        raise InputError(
            f"{table!r} is not a published table, neither by its name in `tables` nor by its folder"
        )
    results = find_reference(reports, reference)
    main_runs = reproduce(open_published(folder), results.scores(), results.failures()).scores
    opened, console = open_device(device), _console()
    verdicts = verify_runs(
        results,
        keys or draw_lot(main_runs, cells, seed=lot),
        store=Store.open(runs),
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
    _print_grid(console, f"{results.folder} against runs made anew (PSNR, dB)", columns, rows)
    if not all(verdict.ok for verdict in verdicts):
        sys.exit(SOME_FAILED)


@app.command
def curve(runs: tyro.conf.Positional[Path] = DEFAULT_STORE, *, out: Path | None = None) -> None:
    """Draw PSNR against training time and against FLOPs, of runs that were scored on their way (--looks).

    Args:
        runs: a folder of runs
        out: where the figure, its data and its table go; default: the folder `tables` in the folder of runs
    """
    from bench.curve import write_curves
    from bench.store import Store

    _say_written(write_curves(Store(_existing(runs)).curves(), folder=out or runs / "tables"))


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
    from bench.profile import caption, measure, read, write_profile
    from bench.trace import write_trace

    options: dict[str, Any] = {"device": device, "precision": precision, "engine": engine}
    options |= {"width": width, "batch": batch, "patch": patch}
    if trace:
        _say(_console(), f"written: {write_trace(trace, folder=out, **options)}")
        return
    measured = read(result or measure(out, options | {"rounds": rounds}))
    written = write_profile(measured, folder=out)
    _say(_console(), caption(measured))
    _say_written(written)


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
    console = _console()
    for section, lines in sections.items():
        if what in ("all", section):
            _print_list(console, section, lines)


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
    from bench.store import FACTS, SCORES, Store, read_json

    folder = Store(runs).find(run)
    facts = read_json(folder / FACTS)
    console = _console()
    console.print_json(data={name: value for name, value in facts.items() if name != "columns"})
    import pandas as pd

    scores = pd.read_parquet(folder / SCORES)
    columns = ["images", "image", "noisy_psnr", "psnr", "noisy_ssim", "ssim", "lpips", "seconds"]
    rows = [[_number(value) for value in row] for row in scores[columns].itertuples(index=False)]
    for name, part in scores.groupby("images", sort=False):
        means = part[columns[2:]].mean()
        rows.append([str(name), "mean", *(_number(value) for value in means)])
    _print_grid(console, f"scores of {folder.name}", columns, rows)


@app.command
def denoise(
    run: tyro.conf.Positional[str],
    images: tyro.conf.Positional[tuple[Path, ...]],
    *,
    out: Path,
    device: Device = "auto",
    runs: Runs = DEFAULT_STORE,
) -> None:
    """Denoise your own noisy images by a trained run; any size, bit depth kept.

    Warns of an image whose noise is visibly not the one that the run was trained for.

    Args:
        run: its key, the start of its key, or its folder
        images: image files, grey or colour as the run was trained
        out: folder for the denoised images
        device: where to compute
        runs: the folder of runs
    """
    import torch

    from bench.denoiser import load_run
    from bench.devices import open_device
    from bench.noise_check import doubts
    from bench.pictures import output_name, read_picture, write_picture
    from bench.store import Store

    if not images:
        raise InputError("denoise needs at least one image file")
    denoiser = load_run(Store(runs).find(run), device=open_device(device))
    read = {path: read_picture(path) for path in images}
    targets = {path: out / output_name(path, depth) for path, (_, depth) in read.items()}
    for target in targets.values():
        twins = [str(other) for other in targets if targets[other] == target]
        if len(twins) > 1:
            raise InputError(f"{', '.join(twins)} would all be written to {target}; denoise them apart")
    channels = denoiser.net.channels
    for path, (image, _) in read.items():
        if image.shape[-1] != channels:
            raise InputError(f"{path} has {image.shape[-1]} channels, but the run was trained on {channels}")
    Store.open(out)
    for path, (image, depth) in read.items():
        for doubt in doubts(denoiser.noise, image):
            _say(_console(stderr=True), (f"{path}: {doubt}", "yellow"))
        noisy = torch.from_numpy(image).movedim(-1, 0)[None]
        write_picture(targets[path], denoiser(noisy)[0].movedim(0, -1).cpu().numpy(), depth)
        _say(_console(), f"{path} -> {targets[path]}")


@app.command
def estimate(images: tyro.conf.Positional[tuple[Path, ...]]) -> None:
    """Estimate the law and the strength of the noise in your own images, each by itself.

    Args:
        images: image files, at least 16x16 pixels; the law takes 64x64 and some contrast
    """
    from bench.comparable import SYMBOLS
    from bench.noise import NOISES
    from bench.noise_family import growth_of
    from bench.noise_level import estimate_noise
    from bench.pictures import read_picture

    if not images:
        raise InputError("estimate needs at least one image file")
    rows = []
    for path in images:
        image, _ = read_picture(path)
        growth = growth_of(image)
        grows = "cannot be told" if growth is None else f"^{growth.exponent:.2f} ± {2 * growth.error:.2f}"
        levels = [f"{estimate_noise(law, image).parameter:.3g}" for law in NOISES.values()]
        rows.append([str(path), grows, "–" if growth is None else growth.law.name, *levels])
    columns = ["image", "noise grows as intensity", "like", *(f"{name} {SYMBOLS[name]}" for name in NOISES)]
    _print_grid(_console(), "noise", columns, rows)


@app.command
def fingerprint(folder: tyro.conf.Positional[Path], *, channels: Literal[1, 3] = 1, out: Path) -> None:
    """Write the fingerprints of a folder's images, by which a set can be told from any other.

    Args:
        folder: of images
        channels: 1 for grey, 3 for colour
        out: the CSV file: name and sha256 over the decoded pixels
    """
    from bench.sets import open_set, write_manifest

    images = open_set(str(folder.resolve()), channels=channels)
    write_manifest(images, out)
    _say(_console(), f"{len(images.pictures)} images, set fingerprint {images.fingerprint}")


def main(args: list[str] | None = None) -> None:
    """Run the command line; exit with 0, 1 where a run failed, 2 where the request cannot be met."""
    try:
        # Were the choice of a command given no help, tyro would search the source of `typing` for some.
        choice = tyro.conf.arg(help="one of these")
        app.cli(prog="noisebench", description=DESCRIPTION, args=args, config=[choice])
    except InputError as error:
        _say(_console(stderr=True), ("error:", "bold red"), f" {error}")
        sys.exit(BAD_INPUT)


DESCRIPTION = (
    "Train self-supervised image denoisers on identical U-Nets under Gaussian, Poisson and Gamma noise, and "
    "see which to pick and what it costs. Begin with: noisebench run"
)


def _console(*, stderr: bool = False) -> Console:
    """Open the standard output; a log, which has no width of its own, gets one that holds a whole table."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else LOG_WIDTH
    return Console(width=width, stderr=stderr)


def _say(console: Console, *parts: str | tuple[str, str]) -> None:
    """Print texts as they are, some with a style, on one line however long."""
    from rich.text import Text

    console.print(Text.assemble(*parts), soft_wrap=True)


def _adapt(name: str, changes: dict[str, Any]) -> Recipe:
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    return replace(RECIPES[name], **{field: value for field, value in changes.items() if value is not None})


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError(f"there is no folder of runs at {str(folder)!r}; `noisebench run` makes one")
    return folder


def _load_lpips(console: Console, *, wanted: bool, device: str) -> Lpips | str:
    import torch

    from bench.metrics import LpipsUnavailable, load_lpips

    if not wanted:
        return "not asked for (--lpips)"
    try:
        return load_lpips(torch.device(device))
    except LpipsUnavailable as error:
        _say(console, ("LPIPS is left out:", "yellow"), f" {error}")
        return str(error)


def _say_written(files: list[Path]) -> None:
    _say(_console(), f"written: {', '.join(map(str, files))}")


def _say_notes(console: Console, sets: tuple[ImageSet, ...]) -> None:
    for images in sets:
        for note in images.notes:
            _say(console, f"{images.name}: {note}")


def _say_work(console: Console, outcomes: list[str], store: Store) -> None:
    counts = Counter(outcome.partition(":")[0] for outcome in outcomes)
    if set(counts) == {"stored"}:
        _say(console, "nothing to train: every run is stored already")
    else:
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        _say(console, f"{said}; runs are in {store.root}")


def _say_failures(failed: list[Job], store: Store) -> None:
    console = _console(stderr=True)
    for job in failed:
        where = store.root / "failed" / job.key
        _say(console, ("failed:", "bold red"), f" {job.title}; see {where}")


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
    _say_written(write_tables(scores, failures, folder=out, stem="table"))


def _print_grid(console: Console, title: str, columns: list[str], rows: list[list[str]]) -> None:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(title=title, title_justify="left")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    console.print(grid)


def _print_list(console: Console, title: str, lines: list[tuple[str, str]]) -> None:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 2, 0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column()
    for name, text in lines:
        grid.add_row(Text(name), Text(text))
    console.print(Text(title, "underline"))
    console.print(grid)
    console.print()


def _number(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4f}"
