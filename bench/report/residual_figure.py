"""What a method took away: is it white, and as strong as the noise at every intensity?"""

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
"""Pixels; fewer show no variance to be read."""

COLUMNS = ["noise", "parameter", "method", "quantity", "at", "ratio", "pixels"]
TITLE = "What was taken away"
CAPTION = (
    "The residual y - x̂ of the pictures below ({pictures}), against the noise that was there. Above: its "
    "power in units of the noise's, by spatial frequency, each pixel first divided by the noise's standard "
    "deviation at its clean intensity. White noise, taken away whole, is 1 throughout; above 1, picture was "
    "taken away too; below 1, noise was left in. Below: its variance in units of the noise's, by clean "
    "intensity."
)


def spectrum(residual: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average the power spectrum of a residual over directions.

    Args:
        residual: (H, W, C), in units of the noise's standard deviation.

    Returns:
        The middle of each band of frequencies (cycles per pixel), the mean power there, 1 for white noise of
        unit variance, and the number of its coefficients.
    """
    height, width, _ = residual.shape
    power = np.abs(np.fft.fft2(residual, axes=(0, 1))) ** 2 / (height * width)
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
    edges = np.linspace(0, 0.5, FREQUENCIES + 1)
    return (edges[:-1] + edges[1:]) / 2, *_averaged(power.mean(axis=2), radius, edges)


def variances(residual: np.ndarray, clean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average the square of a residual over pixels of like intensity.

    Args:
        residual: of any shape, in units of the noise's standard deviation.
        clean: likewise, intensities in [0, 1].

    Returns:
        The middle of each band of intensities, the mean square there, and the number of its pixels.
    """
    edges = np.linspace(0, 1, INTENSITIES + 1)
    return (edges[:-1] + edges[1:]) / 2, *_averaged(residual**2, clean, edges)


def _averaged(values: np.ndarray, at: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    counts, _ = np.histogram(at, edges)
    sums, _ = np.histogram(at, edges, weights=values)
    return sums / np.maximum(counts, 1), counts


def draw_residual_figure(
    subjects: Sequence[ShownImage], methods: Sequence[str], *, folder: Path, stem: str
) -> EmbeddedFigure | None:
    """Draw spectrum and variance of residuals, one column per noise; None where there are no pictures.

    Args:
        subjects: pictures with what methods made of them.
        methods: in the order of their colours.
        folder: for the files, which is there.
        stem: of their names.
    """
    data = statistics(subjects)
    if data.empty:
        return None
    noises = dict.fromkeys(subject.noise for subject in subjects)
    with panels([noise_label(noise.name, noise.parameter) for noise in noises], rows=2) as plate:
        for noise, (above, below) in zip(noises, plate.columns, strict=True):
            lines = data[(data["noise"] == noise.name) & (data["parameter"] == noise.parameter)]
            _draw(above, lines[lines["quantity"] == "spectrum"], methods)
            _draw(below, lines[lines["quantity"] == "variance"], methods)
            above.set_xlabel("spatial frequency (cycles per pixel)")
            below.set_xlabel("clean intensity")
        plate.label("power / noise's", "variance / noise's")
        files = plate.save(data, folder, stem)
    pictures = dict.fromkeys(f"{subject.image.name} of {subject.images}" for subject in subjects)
    return EmbeddedFigure(stem, TITLE, CAPTION.format(pictures=", ".join(pictures)), _alt(data), files)


def statistics(subjects: Sequence[ShownImage]) -> pd.DataFrame:
    """Average spectrum and variance of residuals over the pictures of each noise.

    Returns:
        The columns ``COLUMNS``: ``at`` is a frequency or an intensity, ``ratio`` that of the residual's power
        to the noise's, ``pixels`` how many were averaged.
    """
    lines = [line for subject in subjects for line in _statistics(subject)]
    table = pd.DataFrame(lines, columns=COLUMNS)
    table["weighted"] = table["ratio"] * table["pixels"]
    sums = table.groupby(COLUMNS[:5], sort=False)[["weighted", "pixels"]].sum().reset_index()
    enough = sums[(sums["quantity"] == "spectrum") | (sums["pixels"] >= FEWEST)]
    return enough.assign(ratio=enough["weighted"] / enough["pixels"])[COLUMNS].reset_index(drop=True)


def _statistics(subject: ShownImage) -> Iterator[tuple[object, ...]]:
    variance = subject.noise.variance(subject.clean.astype(float))
    # At black, Poisson and Gamma noise are none, and there is no ratio to them.
    some = variance > 0
    for method, denoised in subject.denoised.items():
        residual = np.zeros(variance.shape)
        residual[some] = (subject.noisy - denoised.pixels)[some] / np.sqrt(variance[some])
        cell = (subject.noise.name, subject.noise.parameter, method)
        bands_of = {
            "spectrum": spectrum(residual),
            "variance": variances(residual[some], subject.clean[some]),
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
        look = mark(methods.index(str(method)))
        axes.plot(line["at"], line["ratio"], **look, markersize=4, linewidth=1.2, label=plain(str(method)))
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    tidy(axes)
