"""Write the report: one self-contained HTML page, and its figures as files for papers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from bench.analysis.grouping import by_setup
from bench.analysis.supervision import sort_methods
from bench.analysis.tabulate import tabulate
from bench.output.figures import mark
from bench.profile.profile_table import caption
from bench.profile.timings import read
from bench.profile.write import write_profile
from bench.report.embedded_figure import EmbeddedFigure
from bench.report.image_options import images_by_setup
from bench.report.image_tiles import error_peak
from bench.report.origin import provenance
from bench.report.render import render
from bench.report.section import write_section
from bench.store.layout import PROFILE
from bench.store.store import Store
from bench.system.files import open_folder

if TYPE_CHECKING:
    from pathlib import Path

    from bench.analysis.columns import Setup
    from bench.report.image_options import ImageOptions
    from bench.store.results import Results

PAGE, FIGURES = "report.html", "figures"


def write_report(
    results: Results, root: Path, *, out: Path, images: ImageOptions, runs: Path | None = None
) -> list[Path]:
    """Write ``report.html``, and ``figures/`` with each figure as CSV, PNG, SVG and PDF.

    Args:
        results: results of the runs.
        root: folder of the results, which may contain a throughput profile.
        out: folder for the files.
        images: the choice of images to show.
        runs: folder of the runs, which alone contains images and curves; by default ``root``.

    Returns:
        The page, then the files of the figures.

    Raises:
        InputError: runs cannot be compared, or the folder cannot be written. Missing images are not an error:
            the report gives the reason.
    """
    scores, failures = results.scores(), results.failures()
    tables = tabulate(scores, failures)
    folder = open_folder(out / FIGURES)
    sees = {cell.method: cell.sees for table in tables for cell in table.cells.values()}
    methods = sort_methods(sees)
    parts = by_setup(scores)
    runs = runs or root
    curves = _curves(Store(runs), parts)
    shown, missing = images_by_setup(parts, runs, images)
    sections = [
        write_section(
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
    page = render(
        colours=colours,
        sees=sees,
        sections=sections,
        throughput=throughput,
        missing=missing,
        error_peak=error_peak([image for images in shown.values() for image in images]),
        failures=failures.to_dict("records"),
        origin=provenance(results, set(scores["key"]) if len(scores) else ()),
        folder=FIGURES,
    )
    (out / PAGE).write_text(page, encoding="utf-8", newline="\n")
    figures = [figure for section in sections for figure in section.figures]
    figures += [throughput] if throughput else []
    return [out / PAGE, *(file for figure in figures for file in figure.files)]


def _curves(store: Store, parts: dict[Setup, pd.DataFrame]) -> dict[Setup, pd.DataFrame]:
    """Read the curves of the runs whose scores are shown."""
    keys = {key for scores in parts.values() for key in scores["key"]}
    curves = store.curves()
    curves = curves[curves["key"].isin(keys)] if len(curves) else curves
    return by_setup(curves)


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
