"""The figure of the score demonstration: exact score, learned score, and where the two differ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from bench.demos.learned_score import BATCH, STEPS, Budget
from bench.demos.mixture_score import SIGMA, ScoreDemo, demonstrate
from bench.noise import Gaussian
from bench.output.figures import BLUE, GREY, INK, ORANGE, drawing, save
from bench.system.files import open_folder

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


VIEW = (-0.3, 1.3)
ARROWS = 21
ARROW_LENGTH = 0.25
"""Length of an arrow, in units of Tweedie's step sigma^2 s."""
BANDS = (0.5, 0.9, 0.99, 0.999)
"""Probabilities of the regions that the contours enclose."""

_PAPER = LinearSegmentedColormap.from_list("density", ["#ffffff", "#dbe9f4", "#9cc3df", "#5b9ac6"])
_PERCENT = FuncFormatter(lambda value, _: f"{value:g} %")


def run(
    out: Path, *, sigma: float = SIGMA, steps: int = STEPS, batch: int = BATCH, seed: int = 0
) -> ScoreDemo:
    """Learn the score and write it as a figure and as tables.

    It writes the figure ``score`` as PNG, SVG and PDF, ``score_field.csv`` and ``score_by_density.csv``.

    Args:
        out: folder for the files.
        sigma: standard deviation of the noise, on the 0 to 255 scale.
        steps: number of optimiser steps.
        batch: noisy points per step, each used once.
        seed: seed of the weights, the points and the perturbations.

    Raises:
        InputError: sigma, steps or batch is out of range, or the folder cannot be written.
    """
    noise, budget = Gaussian(sigma), Budget(steps, batch, seed)
    folder = open_folder(out)
    demo = demonstrate(noise, budget)
    tables = {"score_field.csv": arrows(demo), "score_by_density.csv": demo.by_density}
    for name, table in tables.items():
        table.to_csv(folder / name, index=False, lineterminator="\n")
    files = (*draw(demo, folder), *(folder / name for name in tables))
    return replace(demo, files=files)


def draw(demo: ScoreDemo, folder: Path) -> tuple[Path, ...]:
    """Write ``score.png`` and ``score.svg`` into an existing folder."""
    with drawing(12, 12.2) as figure:
        axes = figure.subplots(2, 2)
        _draw_field(axes[0, 0], demo)
        _draw_arrows(axes[0, 0], demo, "exact", INK)
        axes[0, 0].set_title("Exact score")
        _draw_field(axes[0, 1], demo)
        _draw_arrows(axes[0, 1], demo, "exact", "#b5b5b5")
        _draw_arrows(axes[0, 1], demo, "learned", ORANGE)
        axes[0, 1].set_title(f"Learned score (grey: exact), relative error {100 * demo.relative_error:.1f} %")
        _draw_error_map(figure, axes[1, 0], demo)
        _draw_error_curve(axes[1, 1], demo)
        figure.suptitle(
            "The score of noisy points, learned from noisy points alone",
            fontsize=14,
            fontweight="bold",
            x=0.01,
            ha="left",
        )
        figure.supxlabel(_note(demo), fontsize=9, color="#666666", x=0.01, ha="left")
        return save(figure, folder, "score")


def arrows(demo: ScoreDemo) -> pd.DataFrame:
    """Compute the arrows of the figure.

    Returns:
        One row per arrow: its point ``y1``, ``y2`` (intensities), the ``density`` there, and the scores
        ``exact1``, ``exact2``, ``learned1``, ``learned2`` (1 / intensity).
    """
    places = _lattice(ARROWS)
    exact, learned = demo.noisy.score(places), demo.learned(places)
    density = demo.noisy.log_density(places).exp()[..., None]
    values = torch.cat([places, density, exact, learned], dim=-1).view(-1, 7)
    columns = ["y1", "y2", "density", "exact1", "exact2", "learned1", "learned2"]
    return pd.DataFrame(values.numpy(), columns=columns)


def _note(demo: ScoreDemo) -> str:
    return (
        "Density of the noisy points: a mixture of three Gaussians under noise of "
        f"σ = {demo.noise.parameter:g}/255; contours enclose 50, 90, 99 and 99.9 % of them. "
        f"Arrows: {ARROW_LENGTH:g} of Tweedie's step σ² s.\n"
        f"AR-DAE on {demo.budget.steps * demo.budget.batch:,} noisy points by a three-layer perceptron; it "
        f"learns the density blurred once more by σₐ, alone a relative error of {demo.blur_error:.2%}."
    )


def _lattice(count: int) -> torch.Tensor:
    edges = torch.linspace(*VIEW, count + 1, dtype=torch.float64)
    centres = (edges[1:] + edges[:-1]) / 2
    return torch.stack(torch.meshgrid(centres, centres, indexing="xy"), dim=-1)


def _draw_field(axes: Axes, demo: ScoreDemo) -> None:
    """Draw the density and its contours."""
    density = demo.noisy.log_density(_lattice(400)).exp().numpy()
    axes.imshow(density, extent=(*VIEW, *VIEW), origin="lower", cmap=_PAPER, interpolation="bilinear")
    _draw_contours(axes, demo, density, BLUE)
    _frame(axes)


def _draw_contours(axes: Axes, demo: ScoreDemo, density: np.ndarray, colour: str) -> None:
    centres = _lattice(len(density))[0, :, 0].numpy()
    levels = enclosing(demo.grid.density.numpy(), demo.grid.mass.numpy(), BANDS)
    axes.contour(centres, centres, density, levels=levels[::-1], colors=colour, linewidths=0.8, alpha=0.7)


def enclosing(density: np.ndarray, mass: np.ndarray, shares: tuple[float, ...]) -> list[float]:
    """Compute the densities whose superlevel sets have the given probabilities.

    Args:
        density: density in cells, any shape.
        mass: probabilities of the cells, the same shape.
        shares: the given probabilities, in (0, 1).
    """
    order = np.argsort(density, axis=None)[::-1]
    places = np.searchsorted(np.cumsum(mass.ravel()[order]), shares)
    return [float(density.ravel()[order[place]]) for place in places]


def _draw_arrows(axes: Axes, demo: ScoreDemo, which: str, colour: str) -> None:
    field, length = arrows(demo), ARROW_LENGTH * (demo.noise.parameter / 255) ** 2
    axes.quiver(
        field["y1"],
        field["y2"],
        length * field[f"{which}1"],
        length * field[f"{which}2"],
        color=colour,
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.0032,
        headwidth=3.6,
        headlength=4.2,
        headaxislength=3.8,
    )


def _draw_error_map(figure: Figure, axes: Axes, demo: ScoreDemo) -> None:
    places = _lattice(400)
    error = (demo.learned(places) - demo.noisy.score(places)).norm(dim=-1).numpy()
    truth = demo.noisy.score(demo.grid.points).square().sum(dim=-1)
    percent = 100 * error / demo.grid.mean(truth) ** 0.5
    shown = axes.imshow(
        percent,
        extent=(*VIEW, *VIEW),
        origin="lower",
        cmap="cividis",
        norm=LogNorm(0.3, 100),
        interpolation="bilinear",
    )
    _draw_contours(axes, demo, demo.noisy.log_density(places).exp().numpy(), "white")
    _frame(axes)
    axes.set_title("Error |learned − exact|, in % of the score's r.m.s.")
    bar = figure.colorbar(shown, ax=axes, shrink=0.86, pad=0.02, extend="both", format=_PERCENT)
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_minor_formatter(NullFormatter())


def _draw_error_curve(axes: Axes, demo: ScoreDemo) -> None:
    rows = demo.by_density
    density, probability = rows["density"], 100 * rows["probability"]
    share = axes.twinx()
    share.bar(density, probability, width=0.4 * density, color=BLUE, alpha=0.25)
    share.set(ylim=(0, 6 * probability.max()), yticks=[])
    for place in range(3):
        share.annotate(
            f"{probability[place]:.0f} %" + " of points" * (place == 2),
            (density[place] * (1.2 if place == 2 else 1), probability[place]),
            xytext=(0, 3),
            textcoords="offset points",
            ha="left" if place == 2 else "center",
            fontsize=8.5,
            color=BLUE,
        )
    share.spines[["top", "right", "left"]].set_visible(False)
    axes.set_zorder(share.get_zorder() + 1)
    axes.patch.set_visible(False)
    axes.plot(
        density, 100 * rows["error"], "o-", color=ORANGE, markersize=5, label="of its r.m.s. over all points"
    )
    axes.plot(
        density,
        100 * rows["local_error"],
        "s--",
        color="#666666",
        markersize=3.5,
        linewidth=1,
        label="of its r.m.s. at this density",
    )
    axes.set(xscale="log", yscale="log", xlabel="density of the noisy points, from dense to sparse")
    axes.invert_xaxis()
    axes.set_ylim(bottom=0.3 * 100 * rows["error"].min())
    axes.yaxis.set_major_locator(FixedLocator((0.5, 1, 2, 5, 10, 20, 50, 100, 200)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.set_title("R.m.s. error at each density, in % of the score")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, which="major", color="#e6e6e6", linewidth=0.8)
    axes.legend(frameon=False, loc="upper left")


def _frame(axes: Axes) -> None:
    axes.set(xlim=VIEW, ylim=VIEW, xticks=(0, 0.5, 1), yticks=(0, 0.5, 1), aspect="equal")
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.tick_params(length=0, colors=GREY)
