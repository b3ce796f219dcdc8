"""A reference at a glance: one test set as a small table, and how far each method is from the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.best import DIGITS, best_methods
from bench.analysis.columns import CELL, SYMBOLS
from bench.analysis.grouping import by_condition, by_method, records_of
from bench.analysis.statistics import difference_of, mean_of
from bench.analysis.supervision import methods_in
from bench.errors import InputError
from bench.output.figures import GREY, drawing, mark, save, share_legend, tidy
from bench.output.markup import Span
from bench.output.text_table import TextTable
from bench.system.files import open_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from bench.output.markup import CellText

SPREAD = 0.55
"""Share of the distance between two strengths over which methods are spread, so that none hides another."""


def glance(scores: pd.DataFrame, baseline: str) -> tuple[TextTable, pd.DataFrame]:
    """Average each method on each noise, and compare it with the baseline on the same noisy images.

    Args:
        scores: one line per run and test image of one test set, of runs that can be compared.
        baseline: the method to compare with.

    Returns:
        The table, and one line per finished cell with the columns ``CELL``, psnr, difference, low and high,
        in dB: the difference to the baseline with its 95 % bootstrap interval.

    Raises:
        InputError: there is more than one test set, or the baseline lacks a noise.
    """
    if len(sets := scores["images"].unique()) != 1:
        raise InputError(f"a glance is at one test set, but there are {', '.join(map(str, sets))}")
    sees = dict(records_of(scores.drop_duplicates("method"), ["method", "sees"]))
    methods = methods_in(scores)
    rows: list[list[CellText]] = []
    numbers = []
    for condition, lines in by_condition(scores).items():
        parts = by_method(lines)
        if baseline not in parts:
            raise InputError(f"there are no scores of {baseline} on {condition.noise_label}")
        noisy = lines.drop_duplicates(["seed", "image"])["noisy_psnr"].mean()
        means = {method: mean_of(parts[method]).value for method in methods if method in parts}
        best = best_methods(means, sees)
        texts = [_psnr(means.get(method), bold=method in best) for method in methods]
        rows.append([condition.noise_label, _psnr(noisy, bold=False), *texts])
        for method, mean in means.items():
            gap = difference_of(parts[method], parts[baseline])
            numbers.append([*condition, method, mean, gap.mean, gap.low, gap.high])
    found = pd.DataFrame(numbers, columns=[*CELL, "psnr", "difference", "low", "high"])
    note = "Bold: the best of those that were trained, and on neither clean images nor a second noisy copy."
    header = ["noise", "noisy", *methods]
    return TextTable(f"PSNR on {sets[0]}, dB", header, rows, [note], found), found


def _psnr(value: float | None, *, bold: bool) -> CellText:
    if value is None:
        return ""
    return (Span(f"{value:.{DIGITS['psnr']}f}", "bold" if bold else "plain"),)


def write_glance(found: pd.DataFrame, baseline: str, *, folder: Path, stem: str) -> Sequence[Path]:
    """Draw how far each method is from the baseline, one panel per law.

    Args:
        found: as by ``glance``.
        baseline: of the differences.
        folder: made if it does not exist.
        stem: of the files' names.
    """
    methods = list(dict.fromkeys(found["method"]))
    laws = found.groupby("noise", sort=False)
    with drawing(3.1 * len(laws) + 0.6, 3.6) as figure:
        panels = figure.subplots(1, len(laws), sharey=True, squeeze=False)[0]
        for axes, (law, lines) in zip(panels, laws, strict=True):
            _draw(axes, lines, methods)
            axes.set_title(str(law))
        panels[0].set_ylabel(f"PSNR less that of {baseline} (dB)")
        share_legend(figure)
        return save(figure, open_folder(folder), stem)


def _draw(axes: Axes, lines: pd.DataFrame, methods: list[str]) -> None:
    strengths = list(dict.fromkeys(lines["parameter"]))
    axes.axhline(0, color=GREY, linewidth=1)
    points: Any = lines.itertuples()
    for point in points:
        place = methods.index(point.method)
        shift = SPREAD * ((place + 0.5) / len(methods) - 0.5)
        axes.errorbar(
            strengths.index(point.parameter) + shift,
            point.difference,
            yerr=[[point.difference - point.low], [point.high - point.difference]],
            **mark(place),
            linestyle="none",
            markersize=6,
            elinewidth=1,
            label=point.method,
        )
    symbol = SYMBOLS.get(str(lines["noise"].iloc[0]), "")
    axes.set_xticks(range(len(strengths)), [f"{symbol} {parameter:g}" for parameter in strengths])
    axes.set_xlim(-0.6, len(strengths) - 0.4)
    tidy(axes, grid="y")
