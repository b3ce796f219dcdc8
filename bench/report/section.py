"""One protocol of a report: its numbers, figures and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.scatter import seed_scatter, shows_scatter
from bench.report.cost_figure import draw_cost_figure
from bench.report.embedded_figure import EmbeddedFigure
from bench.report.image_tiles import ImageTiles, cut_tiles
from bench.report.numbers import baseline_of, cells
from bench.report.paired_figure import draw_paired_figure
from bench.report.recommendation import Recommendation, recommend
from bench.report.residual_figure import draw_residual_figure
from bench.report.strength_figure import draw_strength_figure
from bench.tables.caption import footer, title
from bench.tables.write_curves import write_curves

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from bench.analysis.tabulate import Table
    from bench.report.denoised_images import ShownImage

CURVES = (
    "PSNR at a few steps of the training, against the seconds and the operations spent by then, evaluation "
    "not counted."
)


@dataclass(frozen=True)
class Section:
    """All that a report says of the runs of one protocol.

    Args:
        number: from 1.
        title: the protocol on one line.
        table: its numbers.
        numbers: the same, one row per cell, as by ``cells``.
        baseline: the method to which others are compared, or None.
        picks: the best self-supervised methods.
        plates: figures.
        exhibits: pictures.
        retraining: how far a training with another seed would end elsewhere, in a sentence.
        notes: how the numbers came about.
    """

    number: int
    title: str
    table: Table
    numbers: pd.DataFrame
    baseline: str | None
    picks: list[Recommendation]
    plates: list[EmbeddedFigure]
    exhibits: list[ImageTiles]
    retraining: str
    notes: list[str]


def chapter(
    table: Table,
    scores: pd.DataFrame,
    curves: pd.DataFrame,
    subjects: Sequence[ShownImage],
    *,
    number: int,
    methods: Sequence[str],
    folder: Path,
) -> Section:
    """Compute a chapter and write the files of its figures.

    Args:
        table: of one protocol.
        scores: of its runs, one line per run and test image.
        curves: of its runs, as ``Store.curves`` gives them; may be empty.
        subjects: pictures of its runs; may be empty.
        number: of the chapter, which the names of its files begin with.
        methods: of the whole report, in the order of their colours.
        folder: for the files, which is there.
    """
    numbers, baseline = cells(table, scores), baseline_of(table)
    finished = numbers[numbers["status"] == "done"]

    def plates() -> Iterator[EmbeddedFigure | None]:
        place = {"folder": folder}
        if len(finished):
            yield draw_cost_figure(finished, methods, stem=f"{number}-cost", **place)
            yield draw_strength_figure(finished, methods, baseline, stem=f"{number}-strength", **place)
        if baseline:
            yield draw_paired_figure(scores, finished, methods, baseline, stem=f"{number}-paired", **place)
        if len(curves):
            yield _curve_figure(curves, methods, stem=f"{number}-quality", **place)
        yield draw_residual_figure(subjects, methods, stem=f"{number}-residual", **place)

    chosen = recommend(numbers, scores, baseline)
    best = {(pick.label, pick.images): pick.method for pick in chosen}
    return Section(
        number,
        title(table.setup),
        table,
        numbers,
        baseline,
        chosen,
        [plate for plate in plates() if plate],
        [cut_tiles(subject, methods, best.get((subject.label, subject.images))) for subject in subjects],
        _retraining(scores),
        footer(table),
    )


def _retraining(scores: pd.DataFrame) -> str:
    if not len(scores) or not shows_scatter(scores):
        return "What another seed changes is not in these intervals, for no cell has two seeds."
    apart = [
        f"{seed_scatter(lines).retraining():.2f} dB on {images}"
        for images, lines in scores.groupby("images")
        if shows_scatter(lines)
    ]
    return (
        f"Two trainings of a cell with unlike seeds differ by up to {' and '.join(apart)} in 95 % of cases, "
        "as those cells show that have two seeds, all methods together; one whose trainings are unsteady "
        "differs by more. That is not in these intervals."
    )


def _curve_figure(curves: pd.DataFrame, methods: Sequence[str], *, folder: Path, stem: str) -> EmbeddedFigure:
    files = write_curves(curves, folder=folder, stem=stem, methods=methods)
    alt = "Curves that rise with the logarithm of the cost; the numbers are in the file beside the figure."
    return EmbeddedFigure(stem, "Time to quality", CURVES, alt, tuple(files))
