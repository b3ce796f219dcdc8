"""How figures look and where they go; no state outlives a figure."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure

from bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLOURS = sns.color_palette("colorblind").as_hex()
MARKERS = "os^DvPX<>*h"
"""One more than there are colours, so that no two of the first hundred lines share both."""
BLUE, ORANGE, GREEN, PURPLE = (COLOURS[place] for place in (0, 1, 2, 4))
INK, GREY = "#222222", "#8c8c8c"
DOTS_PER_INCH = 200

_LOOK: dict[str, Any] = {
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.labelsize": 10,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.grid": False,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # matplotlib's own, so that every machine draws the same
    "text.color": INK,
    "axes.labelcolor": INK,
    "svg.hashsalt": "noisebench",
}


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure in the style of all; the style ends with the block.

    Args:
        width: inches.
        height: inches.
    """
    with mpl.rc_context(sns.axes_style("ticks") | _LOOK):
        yield Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, folder: Path, stem: str) -> tuple[Path, Path]:
    """Write a figure as PNG and SVG, without the date, so that the same figure gives the same bytes."""
    png, svg = folder / f"{stem}.png", folder / f"{stem}.svg"
    figure.savefig(png, dpi=DOTS_PER_INCH)
    figure.savefig(svg, dpi=DOTS_PER_INCH, metadata={"Date": None})
    return png, svg


def open_folder(folder: Path) -> Path:
    """Make a folder for the files.

    Raises:
        InputError: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"cannot write to {str(folder)!r}: {reason}; name a folder that can be written"
        ) from error
    return folder
