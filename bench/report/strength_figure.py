"""The figure of PSNR by strength of the noise, and of the gap to the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.analysis.columns import CELL, SYMBOLS
from bench.output.figures import GREY, mark, plain, tidy
from bench.report.embedded_figure import EmbeddedFigure
from bench.report.subplots import panels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

DRAWN = [*CELL, "noisy_psnr", "psnr", "gap", "gap_low", "gap_high"]
DODGE = 0.5
"""Fraction of the distance between two strengths over which methods are spread, to avoid overlap."""

TITLE = "Quality by strength of noise"
CAPTION = "Above: mean PSNR of a test set, from weak noise on the left to strong noise on the right. "
GAP = (
    "Below: the same minus the baseline, {baseline}, image by image, with the 95 % bootstrap interval of the "
    "mean over images."
)


def draw_strength_figure(
    numbers: pd.DataFrame, methods: Sequence[str], baseline: str | None, *, folder: Path, stem: str
) -> EmbeddedFigure:
    """Draw PSNR by strength, one column per noise model and test set, with the gap to the baseline below.

    Args:
        numbers: finished cells, as returned by ``cells``.
        methods: the methods, in the order of their colours.
        baseline: the method to which gaps are measured, if there is one.
        folder: existing folder for the files.
        stem: stem of the file names.
    """
    models: Any = numbers.groupby(["noise", "images"], sort=False)
    with panels(
        [f"{noise}, {images}" for noise, images in models.groups], rows=2 if baseline else 1
    ) as drawn:
        for (_, lines), column in zip(models, drawn.columns, strict=True):
            _draw(column[0], lines, methods, ["psnr"])
            if baseline:
                _draw(column[1], lines, methods, ["gap", "gap_low", "gap_high"])
                column[1].axhline(0, color=GREY, linewidth=1)
        drawn.label("PSNR (dB)", *([f"minus {baseline} (dB)"] if baseline else []))
        files = drawn.save(numbers[DRAWN], folder, stem)
    caption = CAPTION + (GAP.format(baseline=baseline) if baseline else "")
    return EmbeddedFigure(stem, TITLE, caption, _alt(numbers), files)


def _alt(numbers: pd.DataFrame) -> str:
    best = numbers.loc[numbers.groupby(["label", "images"], sort=False)["psnr"].idxmax()]
    highest = [f"{line.label}, {line.images}: {line.method} {line.psnr:.2f}" for line in best.itertuples()]
    return f"Highest PSNR in dB. {'; '.join(highest)}. All numbers are in the table."


def _draw(axes: Axes, lines: pd.DataFrame, methods: Sequence[str], columns: list[str]) -> None:
    strengths = list(dict.fromkeys(lines["parameter"]))
    for method, line in lines.dropna(subset=columns[:1]).groupby("method", sort=False):
        shift = DODGE * ((methods.index(str(method)) + 0.5) / len(methods) - 0.5)
        values, *ends = (line[name].to_numpy() for name in columns)
        axes.errorbar(
            [strengths.index(parameter) + shift for parameter in line["parameter"]],
            values,
            yerr=[values - ends[0], ends[1] - values] if ends else None,
            **mark(methods.index(str(method))),
            markersize=6,
            linewidth=1,
            label=plain(str(method)),
        )
    symbol = SYMBOLS.get(lines["noise"].iloc[0], "")
    axes.set_xticks(range(len(strengths)), [f"{symbol} {parameter:g}".strip() for parameter in strengths])
    axes.set_xlim(-0.6, len(strengths) - 0.4)
    tidy(axes, grid="y")
