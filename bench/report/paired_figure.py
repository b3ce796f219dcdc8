"""Differences to the baseline, image by image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.analysis.columns import CELL, ROW
from bench.analysis.grouping import by_condition
from bench.output.figures import GREY, mark, plain, tidy
from bench.report.embedded_figure import EmbeddedFigure
from bench.report.subplots import panels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

TITLE = "Image by image"
CAPTION = (
    "PSNR of each test image minus that of the baseline, {baseline}, on the same noisy image, averaged over "
    "seeds. A mark is an image; the box holds the middle half of them, its line is the median."
)
BOX = 0.6
GOLDEN = (5**0.5 - 1) / 2


def differences(scores: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Subtract the baseline's PSNR from that of the other methods, image by image, averaged over seeds.

    Args:
        scores: one line per run and test image; all runs must be comparable.
        baseline: the method to subtract.

    Returns:
        The columns noise, parameter, images, method, image, difference (dB), over the seeds that both have.
    """
    paired = scores.merge(
        scores.loc[scores["method"] == baseline, [*ROW, "image", "seed", "psnr"]],
        on=[*ROW, "image", "seed"],
        suffixes=("", "_baseline"),
    )
    others = paired[paired["method"] != baseline]
    gaps = others.assign(difference=others["psnr"] - others["psnr_baseline"])
    return gaps.groupby([*CELL, "image"], sort=False)["difference"].mean().reset_index()


def draw_paired_figure(
    scores: pd.DataFrame,
    numbers: pd.DataFrame,
    methods: Sequence[str],
    baseline: str,
    *,
    folder: Path,
    stem: str,
) -> EmbeddedFigure | None:
    """Draw the differences to the baseline, one panel per noise and test set; None if there are none.

    Args:
        scores: one line per run and test image.
        numbers: finished cells, as returned by ``cells``; others are not drawn.
        methods: the methods, in the order of their colours.
        baseline: one of the methods.
        folder: existing folder for the files.
        stem: stem of the file names.
    """
    compared = numbers.dropna(subset=["gap"])
    if compared.empty:
        return None
    data = compared[CELL].merge(differences(scores, baseline), on=CELL, how="left")
    rows = by_condition(data)
    height = 0.8 + 0.32 * max(row["method"].nunique() for row in rows.values())
    with panels([str(condition) for condition in rows], height=height) as drawn:
        for row, (axes,) in zip(rows.values(), drawn.columns, strict=True):
            _draw(axes, row, methods)
        files = drawn.save(data, folder, stem)
    medians = data.groupby("method", sort=False)["difference"].median()
    alt = "; ".join(f"{method}: {value:+.2f}" for method, value in medians.items())
    caption = CAPTION.format(baseline=baseline)
    return EmbeddedFigure(
        stem, TITLE, caption, f"Median difference to {baseline} over all panels in dB. {alt}.", files
    )


def _draw(axes: Axes, row: pd.DataFrame, methods: Sequence[str]) -> None:
    for place, (method, line) in enumerate(row.groupby("method", sort=False)):
        style = mark(methods.index(str(method)))
        values = line["difference"].to_numpy()
        low, median, high = np.quantile(values, (0.25, 0.5, 0.75))
        axes.barh(place, high - low, left=low, height=BOX, color="none", edgecolor=style["color"])
        axes.vlines(median, place - BOX / 2, place + BOX / 2, color=style["color"], linewidth=2)
        # Spread evenly, and identically in every drawing.
        across = (np.arange(len(values)) * GOLDEN % 1 - 0.5) * 0.5
        axes.scatter(values, place + across, s=14, alpha=0.6, label=plain(str(method)), **style)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks([])
    axes.invert_yaxis()
    axes.set_xlabel("PSNR minus the baseline's (dB)")
    tidy(axes, grid="x")
