"""Panels of a figure: one column per noise and test set, a few side by side, with one legend."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.output.figures import drawing, plain, save, share_legend
from bench.output.text_table import csv_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 3


@dataclass(frozen=True)
class Panels:
    """A figure that is being drawn.

    Args:
        figure: the figure, to be saved inside the ``with`` block, which sets its style.
        columns: columns of panels, from top to bottom, in the order of their titles.
        across: number of columns side by side.
    """

    figure: Figure
    columns: list[list[Axes]]
    across: int

    def label(self, *texts: str) -> None:
        """Label the vertical axes of the leftmost columns, from top to bottom."""
        for column in self.columns[:: self.across]:
            for axes, text in zip(column, texts, strict=True):
                axes.set_ylabel(text)

    def save(self, data: pd.DataFrame, folder: Path, stem: str) -> tuple[Path, ...]:
        """Add the legend, and write the figure and its numbers.

        Returns:
            The CSV, PNG, SVG and PDF files.
        """
        share_legend(self.figure)
        csv = folder / f"{stem}.csv"
        csv.write_text(csv_of(data), encoding="utf-8", newline="\n")
        return csv, *save(self.figure, folder, stem)


@contextmanager
def panels(titles: Sequence[str], *, rows: int = 1, height: float = 2.6) -> Iterator[Panels]:
    """Open an empty figure in the common style, inside a ``with`` block.

    Args:
        titles: titles of the columns, at most ``ACROSS`` side by side.
        rows: number of panels per column.
        height: height of a panel, in inches.
    """
    blocks = math.ceil(len(titles) / ACROSS)
    across = math.ceil(len(titles) / blocks)
    with drawing(max(7, 3.3 * across), blocks * rows * height + 0.6) as figure:
        grid = figure.subplots(blocks * rows, across, squeeze=False)
        columns = [
            [grid[block * rows + row, place] for row in range(rows)]
            for block in range(blocks)
            for place in range(across)
        ]
        for (first, *_), title in zip(columns, titles, strict=False):
            first.set_title(plain(title))
        for unused in columns[len(titles) :]:
            for axes in unused:
                axes.set_visible(False)
        yield Panels(figure, columns[: len(titles)], across)
