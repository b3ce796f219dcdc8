"""Mean ranks of methods over images, as a figure with its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.columns import ROW, noise_label
from bench.analysis.grouping import by_condition
from bench.analysis.mean_ranks import mean_ranks
from bench.errors import InputError
from bench.output.figures import drawing, mark, save, share_legend, tidy
from bench.output.text_table import CSV_DIGITS
from bench.system.files import open_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

DODGE = 0.6
"""Fraction of a method's line over which its noises are spread, to avoid overlap."""


def rank(scores: pd.DataFrame) -> pd.DataFrame:
    """Compute the mean rank of each method per noise and test set, with a 95 % bootstrap interval.

    Args:
        scores: one line per run and test image; all runs must be comparable.

    Returns:
        The columns noise, parameter, images, method, rank, low, high; rows with a single method are left out.

    Raises:
        InputError: every row has a single method; or as raised by ``mean_ranks``.
    """
    parts = [
        mean_ranks(lines).assign(**condition._asdict())
        for condition, lines in by_condition(scores).items()
        if len(set(lines["method"])) > 1
    ]
    if not parts:
        raise InputError("there is no noise and test set with scores of two methods to rank")
    ranked = pd.concat(parts, ignore_index=True)
    return ranked[[*ROW, *(column for column in ranked if column not in ROW)]]


def write_ranks(scores: pd.DataFrame, *, folder: Path, stem: str) -> list[Path]:
    """Draw the mean ranks and write them as CSV.

    Args:
        scores: as for ``rank``.
        folder: created if it does not exist.
        stem: stem of the file names.
    """
    ranked = rank(scores)
    csv = open_folder(folder) / f"{stem}.csv"
    ranked.round(CSV_DIGITS).to_csv(csv, index=False, lineterminator="\n")
    methods = list(ranked.groupby("method")["rank"].mean().sort_values(ascending=False).index)
    noises = list(dict.fromkeys(ranked[ROW[:2]].itertuples(index=False, name=None)))
    sets = ranked.groupby("images", sort=False)
    with drawing(4.2 * len(sets) + 1, 0.55 * len(methods) + 1.6) as figure:
        panels = figure.subplots(1, len(sets), sharey=True, squeeze=False)[0]
        for axes, (images, rows) in zip(panels, sets, strict=True):
            _draw(axes, rows, methods, noises)
            axes.set_title(str(images))
        share_legend(figure)
        return [csv, *save(figure, folder, stem)]


def _draw(
    axes: Axes, rows: pd.DataFrame, methods: Sequence[str], noises: Sequence[tuple[str, float]]
) -> None:
    of_noise: Any = rows.groupby(["noise", "parameter"], sort=False)
    for noise, line in of_noise:
        place = noises.index(noise)
        shift = DODGE * (place / max(1, len(noises) - 1) - 0.5)
        axes.errorbar(
            line["rank"],
            [methods.index(method) + shift for method in line["method"]],
            xerr=[line["rank"] - line["low"], line["high"] - line["rank"]],
            **mark(place),
            linestyle="none",
            label=noise_label(*noise),
            markersize=5,
            elinewidth=1,
        )
    axes.set(xlabel="mean rank over images (1: highest PSNR)", xlim=(0.7, len(methods) + 0.3))
    axes.set_yticks(range(len(methods)), methods)
    tidy(axes, grid="x")
