"""A reference at a glance: one test set as a small table, and how far each method is from the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.columns import CELL, ROW, SYMBOLS, noise_label, parts_of
from bench.analysis.statistics import difference_of, mean_of
from bench.analysis.tabulate import methods_in, self_supervised, strength
from bench.errors import InputError
from bench.output.figures import GREY, drawing, mark, save, share_legend, tidy
from bench.output.text_table import TextTable
from bench.system.files import open_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

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
    sees = scores.drop_duplicates("method").set_index("method")["sees"]
    methods = methods_in(scores)
    rows: list[list[str]] = []
    strong: set[tuple[int, int]] = set()
    numbers = []
    for row, lines in sorted(parts_of(scores, ROW).items(), key=lambda part: strength(part[0])):
        parts = {method: part for (method,), part in parts_of(lines, ["method"]).items()}
        if baseline not in parts:
            raise InputError(f"there are no scores of {baseline} on {noise_label(*row[:2])}")
        noisy = lines.drop_duplicates(["seed", "image"])["noisy_psnr"].mean()
        means = {method: mean_of(parts[method]).value for method in methods if method in parts}
        text = {method: f"{mean:.2f}" for method, mean in means.items()}
        best = max((text[method] for method in means if self_supervised(sees[method])), key=float, default="")
        strong |= {
            (len(rows), 2 + place)
            for place, method in enumerate(methods)
            if self_supervised(sees[method]) and text.get(method) == best
        }
        rows.append([noise_label(*row[:2]), f"{noisy:.2f}", *(text.get(method, "") for method in methods)])
        for method, mean in means.items():
            gap = difference_of(parts[method], parts[baseline])
            numbers.append([*row, method, mean, gap.mean, gap.low, gap.high])
    found = pd.DataFrame(numbers, columns=[*CELL, "psnr", "difference", "low", "high"])
    note = "Bold: the best of those that were trained, and on neither clean images nor a second noisy copy."
    header = ["noise", "noisy", *methods]
    return TextTable(f"PSNR on {sets[0]}, dB", header, rows, [note], found, strong=frozenset(strong)), found


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
