"""The figure of the noise demonstration: three noises of equal error, and where each is strong."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from bench.demos.noise import PHOTOGRAPH, SIGMA, NoiseDemo, demonstrate, embedded, read_clean, symbol
from bench.output.figures import BLUE, GREEN, GREY, INK, ORANGE, drawing, save
from bench.system.files import open_folder

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

    from bench.demos.noise import Corrupted


COLOURS = {"gaussian": BLUE, "poisson": ORANGE, "gamma": GREEN}
LARGEST_CROP = 160
FEWEST_PIXELS = 200
VARIANCES = {"gaussian": "σ²", "poisson": "ζ x", "gamma": "x² / k"}


def run(
    out: Path, *, image: Path | None = None, photograph: str = PHOTOGRAPH, sigma: float = SIGMA, seed: int = 0
) -> NoiseDemo:
    """Corrupt a photograph and write ``noise.png``, ``noise.svg`` and ``noise.csv``.

    Args:
        out: folder for the files.
        image: an image file; None takes ``photograph``.
        photograph: file name of one of scikit-image's photographs, as in the embedded image sets.
        sigma: standard deviation of the Gaussian noise, on the 0 to 255 scale; the other parameters follow
            from it.
        seed: seed of the noise.

    Raises:
        InputError: the image cannot be read or has values outside [0, 1], there is no such photograph, sigma
            is not positive or too large for the image, or the folder cannot be written.
    """
    name, clean = (image.name, read_clean(image)) if image else (photograph, embedded(photograph))
    demo = demonstrate(name, clean, sigma=sigma, seed=seed)
    folder = open_folder(out)
    csv = folder / "noise.csv"
    demo.table.to_csv(csv, index=False, lineterminator="\n")
    return replace(demo, files=(*draw(demo, folder), csv))


def draw(demo: NoiseDemo, folder: Path) -> tuple[Path, ...]:
    """Write ``noise.png`` and ``noise.svg`` into an existing folder."""
    rows, columns = window(demo.clean)
    with drawing(12, 10.2) as figure:
        axes = figure.subplots(3, 4, height_ratios=(1, 1, 0.9))
        _show(axes[0, 0], demo.clean[rows, columns])
        axes[0, 0].set_title(f"Clean\n{demo.name}, detail")
        _show(axes[1, 0], demo.clean)
        axes[1, 0].set_title("The whole photograph")
        corner, side = (columns.start, rows.start), rows.stop - rows.start
        axes[1, 0].add_patch(Rectangle(corner, side, side, fill=False, edgecolor="white", linewidth=3))
        axes[1, 0].add_patch(Rectangle(corner, side, side, fill=False, edgecolor=INK, linewidth=1.2))
        _draw_intensities(axes[2, 0], demo)
        reach = 2.5 * math.sqrt(demo.corrupted[0].expected_mse)
        top = 1.15 * max(_reliable(one)["expected_variance"].max() for one in demo.corrupted)
        for column, one in enumerate(demo.corrupted, start=1):
            detail = one.noisy[rows, columns]
            _show(axes[0, column], detail)
            axes[0, column].set_title(
                f"{one.noise.name.capitalize()}, {symbol(one.noise)}\n"
                f"MSE {one.mse:.5f}, PSNR {one.psnr:.2f} dB"
            )
            _show(axes[1, column], 0.5 + (detail - demo.clean[rows, columns]) / (2 * reach))
            axes[1, column].set_title("Its noise alone, y − x")
            _draw_variance(axes[2, column], one, top=top, first=column == 1)
        figure.suptitle(
            "Three noises of equal mean squared error on this photograph",
            fontsize=14,
            fontweight="bold",
            x=0.01,
            ha="left",
        )
        figure.supxlabel(
            f"Displayed values are clipped to [0, 1] (noise alone: to ±{reach:.2f} about mid-grey); MSE, "
            "PSNR and variances are of the whole photograph, of values that are never clipped.",
            fontsize=9,
            color="#666666",
            x=0.01,
            ha="left",
        )
        return save(figure, folder, "noise")


def window(clean: np.ndarray) -> tuple[slice, slice]:
    """Choose the square crop with the widest spread of intensities, on a coarse grid of positions.

    Args:
        clean: (H, W, C), intensities in [0, 1].

    Returns:
        The rows and columns of the crop.
    """
    height, width = clean.shape[:2]
    side = min(LARGEST_CROP, height, width)
    places = [
        (slice(top, top + side), slice(left, left + side))
        for top in _starts(height, side)
        for left in _starts(width, side)
    ]
    return max(places, key=lambda place: float(clean[place].mean(axis=-1).std()))


def _starts(length: int, side: int) -> list[int]:
    return sorted({*range(0, length - side, max(1, side // 8)), length - side})


def _show(axes: Axes, image: np.ndarray) -> None:
    shown = np.clip(image, 0, 1)
    if shown.shape[-1] == 1:
        axes.imshow(shown[..., 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    else:
        axes.imshow(shown, interpolation="nearest")
    axes.set_axis_off()


def _draw_intensities(axes: Axes, demo: NoiseDemo) -> None:
    axes.hist(demo.clean.ravel(), bins=32, range=(0, 1), color=GREY, alpha=0.6, density=True)
    axes.set(xlim=(0, 1), xlabel="clean intensity x", yticks=[])
    axes.set_title("How often each intensity occurs")
    axes.spines[["top", "right", "left"]].set_visible(False)


def _draw_variance(axes: Axes, one: Corrupted, *, top: float, first: bool) -> None:
    colour, rows = COLOURS[one.noise.name], _reliable(one)
    x = np.linspace(0, 1, 201)
    axes.axhline(one.expected_mse, color=GREY, linewidth=1, linestyle=(0, (4, 3)), label="mean (all three)")
    axes.plot(
        x, one.noise.variance(x), color=colour, linewidth=2, label=f"expected, {VARIANCES[one.noise.name]}"
    )
    axes.errorbar(
        rows["intensity"],
        rows["measured_variance"],
        yerr=2 * rows["standard_error"],
        fmt="o",
        markersize=4,
        color=INK,
        elinewidth=1,
        label="measured ± 2 s.e.",
        zorder=3,
    )
    axes.set(xlim=(0, 1), ylim=(0, top), xlabel="clean intensity x")
    axes.set_title("Variance of y at each intensity" if first else "")
    axes.tick_params(labelleft=first)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left", handlelength=1.6)


def _reliable(one: Corrupted) -> pd.DataFrame:
    """Leave out levels with too few pixels for a meaningful variance."""
    rows = one.by_intensity
    enough: pd.DataFrame = rows[rows["pixels"] >= min(FEWEST_PIXELS, rows["pixels"].max())]
    return enough
