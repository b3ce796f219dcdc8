"""Write cost curves: the points as CSV, what a PSNR costs as a table, and the figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from bench.output.markup import write_texts
from bench.system.files import open_folder
from bench.tables.cost_curve import average
from bench.tables.curve_figure import draw_curves
from bench.tables.curve_table import curve_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def write_curves(
    curves: pd.DataFrame, *, folder: Path, stem: str = "quality", methods: Sequence[str] | None = None
) -> list[Path]:
    """Write ``stem.csv`` (what is drawn), ``stem.md`` (what a PSNR costs) and the figure in three formats.

    Runs of several protocols are never mixed: each protocol has files of its own, ``stem-1.csv`` and so on,
    and is named in them.

    Args:
        curves: one line per run, step, noise and test set, with ``CURVE_COLUMNS``.
        folder: created if it does not exist.
        stem: of the files' names.
        methods: in the order of their colours; by default those of the curves.

    Returns:
        All files.

    Raises:
        InputError: as by ``average``, or the folder cannot be written.
    """
    groups = average(curves)
    methods = methods or list(dict.fromkeys(pd.concat(groups.values())["method"]))
    open_folder(folder)
    files = []
    for number, (setup, drawn) in enumerate(groups.items(), start=1):
        name = stem if len(groups) == 1 else f"{stem}-{number}"
        points = drawn.to_csv(index=False, lineterminator="\n")
        texts = {".csv": points, ".md": curve_table(setup, drawn).markdown()}
        files += write_texts(texts, folder=folder, stem=name)
        files += draw_curves(setup, drawn, methods, folder=folder, stem=name)
    return files
