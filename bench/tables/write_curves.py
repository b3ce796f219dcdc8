"""Write cost curves: the points as CSV, the training cost of a PSNR as a table, and the figure."""

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
    """Write ``stem.csv`` (points), ``stem.md`` (training cost of a PSNR) and the figure in three formats.

    Protocols are never mixed: each has its own files, ``stem-1.csv`` and so on, which name it.

    Args:
        curves: one line per run, step, noise and test set, with ``CURVE_COLUMNS``.
        folder: created if it does not exist.
        stem: stem of the file names.
        methods: in the order of their colours; by default those of the curves.

    Returns:
        All written files.

    Raises:
        InputError: as raised by ``average``, or the folder cannot be written.
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
