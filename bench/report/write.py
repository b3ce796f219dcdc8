"""The report: one HTML page that holds all it shows, with the figures for papers beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from bench.analysis.grouping import by_setup
from bench.analysis.supervision import sort_methods
from bench.analysis.tabulate import tabulate
from bench.errors import InputError
from bench.images.registry import REGISTRY
from bench.images.sources import open_set
from bench.output.figures import mark
from bench.profile.profile_table import caption
from bench.profile.timings import read
from bench.profile.write import write_profile
from bench.report.denoised_images import ShownImage, shown_images
from bench.report.embedded_figure import EmbeddedFigure
from bench.report.image_tiles import error_peak
from bench.report.origin import provenance
from bench.report.render import render
from bench.report.section import chapter
from bench.store.store import PROFILE, Store
from bench.system.files import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.analysis.columns import Setup
    from bench.images.image_set import ImageSet
    from bench.store.results import Results

PAGE, FIGURES = "report.html", "figures"
PICTURES = 3


@dataclass(frozen=True)
class ImageOptions:
    """Which pictures a report shows.

    Args:
        count: of each noise and test set, at most.
        data: the folder with the image sets.
        test: test sets by folder or as ``hub:OWNER/NAME``; those of ``REGISTRY`` need not be named.
    """

    count: int = PICTURES
    data: Path | None = None
    test: tuple[str, ...] = ()


def write_report(
    results: Results, root: Path, *, out: Path, pictures: ImageOptions, runs: Path | None = None
) -> list[Path]:
    """Write ``report.html``, and ``figures/`` with each figure as CSV, PNG, SVG and PDF.

    Args:
        results: of the runs.
        root: where they lie; a throughput profile is looked for there.
        out: where the files go.
        pictures: which to show.
        runs: folder of the runs, which alone keep pictures and curves; default: ``root``.

    Returns:
        The page, then the files of the figures.

    Raises:
        InputError: runs cannot be compared, or the folder cannot be written. Pictures that cannot be had do
            not end the report, which says why they are missing.
    """
    scores, failures = results.scores(), results.failures()
    tables = tabulate(scores, failures)
    folder = open_folder(out / FIGURES)
    sees = {cell.method: cell.sees for table in tables for cell in table.cells.values()}
    methods = sort_methods(sees)
    parts = by_setup(scores)
    runs = runs or root
    curves = _curves(Store(runs), parts)
    shown, missing = _subjects(parts, runs, pictures)
    chapters = [
        chapter(
            table,
            parts.get(table.setup, scores.iloc[:0]),
            curves.get(table.setup, pd.DataFrame()),
            shown.get(table.setup, []),
            number=number,
            methods=methods,
            folder=folder,
        )
        for number, table in enumerate(tables, start=1)
    ]
    colours = {method: mark(place)["color"] for place, method in enumerate(methods)}
    throughput = _throughput(root, folder, colours)
    every = [subject for found in shown.values() for subject in found]
    page = render(
        colours=colours,
        sees=sees,
        chapters=chapters,
        throughput=throughput,
        missing=missing,
        error_peak=error_peak(every) if every else 0.0,
        failures=failures.to_dict("records"),
        origin=provenance(results, set(scores["key"]) if len(scores) else ()),
        figures=FIGURES,
    )
    (out / PAGE).write_text(page, encoding="utf-8", newline="\n")
    plates = [plate for one in chapters for plate in one.plates] + ([throughput] if throughput else [])
    return [out / PAGE, *(file for plate in plates for file in plate.files)]


def _curves(store: Store, parts: dict[Setup, pd.DataFrame]) -> dict[Setup, pd.DataFrame]:
    """Read the curves of those runs whose scores are shown."""
    keys = {key for scores in parts.values() for key in scores["key"]}
    curves = store.curves()
    curves = curves[curves["key"].isin(keys)] if len(curves) else curves
    return by_setup(curves)


def _subjects(
    parts: dict[Setup, pd.DataFrame], runs: Path, pictures: ImageOptions
) -> tuple[dict[Setup, list[ShownImage]], list[str]]:
    """Gather pictures by protocol, and say why there are none where there are none."""
    shown, missing = {}, []
    for setup, scores in parts.items():
        try:
            open_images = _opener(pictures, setup.channels)
            shown[setup] = shown_images(scores, runs, open_images, count=pictures.count)
        except InputError as error:
            missing.append(str(error))
    if pictures.count and not any(shown.values()) and not missing:
        missing.append(f"{str(runs)!r} holds no pictures: only the runs themselves keep them")
    return shown, list(dict.fromkeys(missing))


def _opener(pictures: ImageOptions, channels: int) -> Callable[[str], ImageSet]:
    """Open registered sets and those that the reader named; runs made by others open no folder."""

    @cache
    def opened(spec: str) -> ImageSet:
        return open_set(spec, channels=channels, data=pictures.data)

    def by_name(name: str) -> ImageSet:
        named = {images.name: images for images in map(opened, pictures.test)}
        if name not in named and name not in REGISTRY:
            raise InputError(f"the folder of the image set {name!r} is not known here; name it by --test")
        return named.get(name) or opened(name)

    return by_name


def _throughput(root: Path, folder: Path, colours: dict[str, str]) -> EmbeddedFigure | None:
    if not (root / PROFILE).is_file():
        return None
    profile = read(root / PROFILE)
    files = write_profile(profile, folder=folder, colours=colours)
    ratios = "; ".join(
        f"{step.method}: {step.seconds / profile.bare.seconds:.2f}" for step in profile.methods
    )
    alt = f"A training step in bare network steps. {ratios}."
    return EmbeddedFigure("throughput", "Throughput of this machine", caption(profile), alt, tuple(files))
