"""The figure of residuals: are they white, and as strong as the noise at every intensity?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.analysis.columns import noise_label
from bench.output.figures import GREY, mark, plain, tidy
from bench.report.embedded_figure import EmbeddedFigure
from bench.report.subplots import panels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from bench.report.denoised_images import ShownImage

FREQUENCIES = 16
INTENSITIES = 10
FEWEST = 200
"""Minimum number of pixels; with fewer, the variance is too uncertain to show."""

COLUMNS = ["noise", "parameter", "method", "quantity", "at", "ratio", "pixels"]
TITLE = "Residuals"
CAPTION = (
    "The residual y - x̂ of the images below ({images}), compared with the noise. Above: its power in units "
    "of the noise's, by spatial frequency, each pixel first divided by the noise's standard deviation at its "
    "clean intensity. If exactly the noise was removed, it is 1 throughout; above 1, parts of the image were "
    "removed too; below 1, noise remains. Below: its variance in units of the noise's, by clean intensity."
)


def spectrum(residual: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average the power spectrum of a residual over all directions.

    Args:
        residual: (H, W, C), in units of the noise's standard deviation.

    Returns:
        The middle of each frequency band (cycles per pixel), the mean power in it (1 for white noise of unit
        variance), and its number of coefficients.
    """
    height, width, _ = residual.shape
    power = np.abs(np.fft.fft2(residual, axes=(0, 1))) ** 2 / (height * width)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    edges = np.linspace(0, 0.5, FREQUENCIES + 1)
    return (edges[:-1] + edges[1:]) / 2, *_averaged(power.mean(axis=2), radius, edges)


def variances(residual: np.ndarray, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average the square of a residual over pixels of similar intensity.

    Args:
        residual: any shape, in units of the noise's standard deviation.
        clean: the same shape, intensities in [0, 1].

    Returns:
        The middle of each intensity band, the mean square in it, and its number of pixels.
    """
    edges = np.linspace(0, 1, INTENSITIES + 1)
    return (edges[:-1] + edges[1:]) / 2, *_averaged(residual**2, clean, edges)


def _averaged(values: np.ndarray, at: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    counts, _ = np.histogram(at, edges)
    sums, _ = np.histogram(at, edges, weights=values)
    return sums / np.maximum(counts, 1), counts


def draw_residual_figure(
    images: Sequence[ShownImage], methods: Sequence[str], *, folder: Path, stem: str
) -> EmbeddedFigure | None:
    """Draw the spectrum and variance of residuals, one column per noise; None if there are no images.

    Args:
        images: images with their denoised versions.
        methods: the methods, in the order of their colours.
        folder: existing folder for the files.
        stem: stem of the file names.
    """
    data = statistics(images)
    if data.empty:
        return None
    noises = dict.fromkeys(image.noise for image in images)
    with panels([noise_label(noise.name, noise.parameter) for noise in noises], rows=2) as drawn:
        for noise, (above, below) in zip(noises, drawn.columns, strict=True):
            lines = data[(data["noise"] == noise.name) & (data["parameter"] == noise.parameter)]
            _draw(above, lines[lines["quantity"] == "spectrum"], methods)
            _draw(below, lines[lines["quantity"] == "variance"], methods)
            above.set_xlabel("spatial frequency (cycles per pixel)")
            below.set_xlabel("clean intensity")
        drawn.label("power / noise's", "variance / noise's")
        files = drawn.save(data, folder, stem)
    names = dict.fromkeys(f"{image.image.name} of {image.images}" for image in images)
    return EmbeddedFigure(stem, TITLE, CAPTION.format(images=", ".join(names)), _alt(data), files)


def statistics(images: Sequence[ShownImage]) -> pd.DataFrame:
    """Average the spectrum and variance of residuals over the images of each noise.

    Returns:
        The columns ``COLUMNS``: ``at`` is a frequency or an intensity, ``ratio`` the residual's power divided
        by the noise's, ``pixels`` the number of averaged values.
    """
    lines = [line for image in images for line in _statistics(image)]
    table = pd.DataFrame(lines, columns=COLUMNS)
    table["weighted"] = table["ratio"] * table["pixels"]
    sums = table.groupby(COLUMNS[:5], sort=False)[["weighted", "pixels"]].sum().reset_index()
    enough = sums[(sums["quantity"] == "spectrum") | (sums["pixels"] >= FEWEST)]
    return enough.assign(ratio=enough["weighted"] / enough["pixels"])[COLUMNS].reset_index(drop=True)


def _statistics(image: ShownImage) -> Iterator[tuple[object, ...]]:
    variance = image.noise.variance(image.clean.astype(float))
    # At black, Poisson and Gamma noise have zero variance, so that the ratio is undefined.
    some = variance > 0
    for method, denoised in image.denoised.items():
        residual = np.zeros(variance.shape)
        residual[some] = (image.noisy - denoised.pixels)[some] / np.sqrt(variance[some])
        cell = (image.noise.name, image.noise.parameter, method)
        bands_of = {
            "spectrum": spectrum(residual),
            "variance": variances(residual[some], image.clean[some]),
        }
        for quantity, bands in bands_of.items():
            for at, ratio, pixels in zip(*bands, strict=True):
                yield *cell, quantity, float(at), float(ratio), int(pixels)


def _alt(data: pd.DataFrame) -> str:
    low = data[(data["quantity"] == "spectrum") & (data["at"] < 0.125)]
    means = low.groupby("method", sort=False)["ratio"].mean()
    listed = "; ".join(f"{method}: {value:.2f}" for method, value in means.items())
    return f"Mean power of the residual below 1/8 cycle per pixel, in units of the noise's. {listed}."


def _draw(axes: Axes, lines: pd.DataFrame, methods: Sequence[str]) -> None:
    axes.axhline(1, color=GREY, linewidth=1, linestyle="--")
    for method, line in lines.groupby("method", sort=False):
        style = mark(methods.index(str(method)))
        axes.plot(line["at"], line["ratio"], **style, markersize=4, linewidth=1.2, label=plain(str(method)))
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    tidy(axes)
