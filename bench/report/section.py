"""One section of a report: the numbers, figures and images of one setup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.scatter import seed_scatter
from bench.report.cost_figure import draw_cost_figure
from bench.report.embedded_figure import EmbeddedFigure
from bench.report.image_tiles import ImageTiles, cut_tiles
from bench.report.numbers import baseline_of, cells
from bench.report.paired_figure import draw_paired_figure
from bench.report.recommendation import Recommendation, recommend
from bench.report.residual_figure import draw_residual_figure
from bench.report.strength_figure import draw_strength_figure
from bench.tables.caption import bold_note, footer, title
from bench.tables.method_costs import sharing_in
from bench.tables.write_curves import write_curves

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from bench.analysis.tabulate import Table
    from bench.report.denoised_images import ShownImage

CURVES = (
    "PSNR in the middle of training, against the seconds, the operations and the steps until then, without "
    "those of evaluation. The learning rate decays over the whole run, so a shorter run ends higher than the "
    "middle of a longer one."
)


@dataclass(frozen=True)
class Section:
    """The content of a report for the runs of one setup.

    Args:
        number: number of the section, from 1.
        title: the setup in one line.
        table: the numbers of the setup.
        numbers: the same numbers, one row per cell, as returned by ``cells``.
        baseline: the method that others are compared with, or None.
        recommendations: the best self-supervised methods.
        figures: figures of the numbers.
        images: tiles of each image.
        bold: a note on the rule of bold numbers.
        retraining: a sentence on how far a run with another seed would differ.
        notes: how the numbers were computed.
    """

    number: int
    title: str
    table: Table
    numbers: pd.DataFrame
    baseline: str | None
    recommendations: list[Recommendation]
    figures: list[EmbeddedFigure]
    images: list[ImageTiles]
    bold: str
    retraining: str
    notes: list[str]


def write_section(
    table: Table,
    scores: pd.DataFrame,
    curves: pd.DataFrame,
    images: Sequence[ShownImage],
    *,
    number: int,
    methods: Sequence[str],
    folder: Path,
) -> Section:
    """Compute a section and write the files of its figures.

    Args:
        table: table of one setup.
        scores: scores of its runs, one line per run and test image.
        curves: curves of its runs, as returned by ``Store.curves``; may be empty.
        images: images of its runs; may be empty.
        number: number of the section, with which its file names begin.
        methods: all methods of the report, in the order of their colours.
        folder: existing folder for the files.
    """
    numbers, baseline = cells(table, scores), baseline_of(table)
    finished = numbers[numbers["status"] == "done"]

    def draw() -> Iterator[EmbeddedFigure | None]:
        stem = f"{number}-{{}}".format
        if len(finished):
            shared = sharing_in(table)
            yield draw_cost_figure(finished, methods, sharing=shared, folder=folder, stem=stem("cost"))
            yield draw_strength_figure(finished, methods, baseline, folder=folder, stem=stem("strength"))
        if baseline:
            yield draw_paired_figure(scores, finished, methods, baseline, folder=folder, stem=stem("paired"))
        if len(curves):
            yield _curve_figure(curves, methods, folder=folder, stem=stem("quality"))
        yield draw_residual_figure(images, methods, folder=folder, stem=stem("residual"))

    recommendations = recommend(numbers, scores, baseline)
    best = {(each.label, each.images): each.method for each in recommendations}
    return Section(
        number,
        title(table.setup),
        table,
        numbers,
        baseline,
        recommendations,
        [figure for figure in draw() if figure],
        [cut_tiles(image, methods, best.get((image.label, image.images))) for image in images],
        bold_note(table),
        _retraining(scores),
        footer(table),
    )


def _retraining(scores: pd.DataFrame) -> str:
    parts = scores.groupby("images") if len(scores) else ()
    found = {str(images): scatter for images, lines in parts if (scatter := seed_scatter(lines))}
    if not found:
        return (
            "The intervals do not include the effect of another seed, because no cell of a trained method "
            "has two seeds."
        )
    sets = [
        f"on {images}: {', '.join(f'{method} {scatter}' for method, scatter in methods.items())}"
        for images, methods in found.items()
    ]
    return (
        "The intervals do not include the effect of another seed: the standard deviation of a mean PSNR "
        f"between training runs with different seeds is, in dB, {'; '.join(sets)}."
    )


def _curve_figure(curves: pd.DataFrame, methods: Sequence[str], *, folder: Path, stem: str) -> EmbeddedFigure:
    files = write_curves(curves, folder=folder, stem=stem, methods=methods)
    alt = "Curves that rise with the logarithm of the cost; the numbers are in the file beside the figure."
    return EmbeddedFigure(stem, "Time to quality", CURVES, alt, tuple(files))
