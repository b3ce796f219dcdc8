"""The style of figures, and how they are saved; no global state is left behind."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes

COLOURS = sns.color_palette("colorblind").as_hex()
MARKERS = "os^DvPX<>*h"
"""One more marker than colours, so that no two of the first hundred lines share both."""
BLUE, ORANGE, GREEN, PURPLE = (COLOURS[place] for place in (0, 1, 2, 4))
INK, GREY, RULE = "#222222", "#8c8c8c", "#e6e6e6"
INCH_PER_LETTER = 0.075
DOTS_PER_INCH = 200

_STYLE: dict[str, Any] = {
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
    "pdf.fonttype": 42,  # TrueType, which journals ask for
}


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """Open an empty figure in the common style, which applies only inside the block.

    Args:
        width: width in inches.
        height: height in inches.
    """
    with mpl.rc_context(sns.axes_style("ticks") | _STYLE):
        yield Figure(figsize=(width, height), layout="constrained")


def mark(place: int) -> dict[str, Any]:
    """Return the colour and the marker of a line, by its position among the lines of a figure."""
    return {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}


def save(figure: Figure, folder: Path, stem: str) -> tuple[Path, Path, Path]:
    """Write a figure as PNG, SVG and PDF, without dates, so that equal figures give equal bytes."""
    png, svg, pdf = (folder / f"{stem}.{suffix}" for suffix in ("png", "svg", "pdf"))
    figure.savefig(png, dpi=DOTS_PER_INCH)
    figure.savefig(svg, dpi=DOTS_PER_INCH, metadata={"Date": None})
    figure.savefig(pdf, dpi=DOTS_PER_INCH, metadata={"CreationDate": None})
    return png, svg, pdf


def tidy(axes: Axes, *, grid: Literal["x", "y", "both"] = "both") -> None:
    """Remove the top and right spines, and draw a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, axis=grid, color=RULE, linewidth=0.8)


def share_legend(figure: Figure) -> None:
    """Draw one legend below all panels, for the lines of any of them, in rows of even length."""
    named = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in figure.axes]
    handles = {str(label): handle for pairs in named for handle, label in pairs}
    fit = max(1, int(figure.get_figwidth() / (0.5 + INCH_PER_LETTER * max(map(len, handles)))))
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=math.ceil(len(handles) / math.ceil(len(handles) / fit)),
        columnspacing=1.2,
        frameon=False,
    )


def plain(text: str) -> str:
    """Escape dollar signs, between which matplotlib would read formulas."""
    return text.replace("$", r"\$")
