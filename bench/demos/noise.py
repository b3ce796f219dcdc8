"""One photograph under Gaussian, Poisson and Gamma noise of equal mean squared error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.errors import InputError, unknown
from bench.images.image_file import open_image_file
from bench.images.intensity_scale import full_scale
from bench.images.registry import REGISTRY
from bench.images.sources import open_set
from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.seeds import generator

if TYPE_CHECKING:
    from pathlib import Path

PHOTOGRAPH = "astronaut.png"
SIGMA = 25.0
LEVELS = 32
_SETS = ("embedded-colour-test", "embedded-colour-train", "embedded-test", "embedded-train")


@dataclass(frozen=True, eq=False)
class Corrupted:
    """A photograph under one noise, with measurements.

    Attributes:
        noise: the noise model with its parameter.
        noisy: y, (H, W, C) float32 intensities, neither clipped nor rounded.
        expected_mse: mean of the expected variance over the photograph.
        mse: mean of (y - x)^2.
        mse_error: standard error of ``mse``, over independent draws of the noise.
        by_intensity: one row per occupied level of clean intensity: ``intensity`` (the mean of its pixels),
            ``pixels`` (number of values, over all colours), ``expected_variance`` (mean over them),
            ``measured_variance`` (mean of (y - x)^2 over them) and its ``standard_error``.
    """

    noise: Noise
    noisy: np.ndarray
    expected_mse: float
    mse: float
    mse_error: float
    by_intensity: pd.DataFrame

    @property
    def psnr(self) -> float:
        """Peak signal-to-noise ratio of the unclipped y, in dB, with peak 1."""
        return -10 * math.log10(self.mse)

    @property
    def outside(self) -> float:
        """Share of the values of y outside [0, 1], which a display has to clip."""
        return float(((self.noisy < 0) | (self.noisy > 1)).mean())


@dataclass(frozen=True, eq=False)
class NoiseDemo:
    """One photograph under three noises of equal expected mean squared error.

    Attributes:
        name: the photograph's file name.
        clean: x, (H, W, C) float64 intensities in [0, 1].
        corrupted: Gaussian, Poisson, Gamma.
        files: the written files.
    """

    name: str
    clean: np.ndarray
    corrupted: tuple[Corrupted, ...]
    files: tuple[Path, ...] = ()

    @property
    def text(self) -> str:
        """A summary of the noises and measurements in a few lines."""
        sigma = self.corrupted[0].noise.parameter
        lines = [f"{self.name} under three noises of one expected mean squared error, ({sigma:g}/255)^2:"]
        lines += [
            f"  {one.noise.name:8} {symbol(one.noise):>10}  MSE {one.mse:.6f} "
            f"(expected {one.expected_mse:.6f}, standard error {one.mse_error:.6f})  "
            f"PSNR {one.psnr:.2f} dB  {one.outside:.1%} outside [0, 1]"
            for one in self.corrupted
        ]
        return "\n".join([*lines, "Noisy values are never clipped, but for display."])

    @property
    def table(self) -> pd.DataFrame:
        """``by_intensity`` of all three noises, after the columns ``noise`` and ``parameter``."""
        parts = [
            one.by_intensity.assign(noise=one.noise.name, parameter=one.noise.parameter)
            for one in self.corrupted
        ]
        rows = pd.concat(parts, ignore_index=True)
        return rows[["noise", "parameter", *self.corrupted[0].by_intensity.columns]]


def demonstrate(name: str, clean: np.ndarray, *, sigma: float, seed: int) -> NoiseDemo:
    """Draw the three noises and measure them.

    Args:
        name: name of the photograph, which keys its noise.
        clean: x, (H, W, C), intensities in [0, 1].
        sigma: standard deviation of the Gaussian noise, on the 0 to 255 scale.
        seed: seed of the noise.

    Raises:
        InputError: as `equal_noises` does.
    """
    noises = equal_noises(clean, sigma=sigma)
    corrupted = (
        measure(clean, noise.sample(clean, generator("demo", "noise", name, noise.name, seed)), noise)
        for noise in noises
    )
    return NoiseDemo(name, clean, tuple(corrupted))


def equal_noises(clean: np.ndarray, *, sigma: float) -> tuple[Gaussian, Poisson, Gamma]:
    """Choose three noises with the same expected mean squared error on an image.

    The mean of the variance over the image, s^2 = zeta mean(x) = mean(x^2) / k, gives zeta and k.

    Args:
        clean: x, any shape, intensities in [0, 1].
        sigma: s, on the 0 to 255 scale.

    Raises:
        InputError: sigma is not finite and positive, the image is black, or sigma is so large that
            k <= 1, where Gamma noise has no density at 0.
    """
    gaussian = Gaussian(sigma)
    x, mse = clean.astype(np.float64), (gaussian.parameter / 255) ** 2
    mean, square = float(x.mean()), float((x**2).mean())
    if mean <= 0:
        raise InputError("a black image has neither Poisson nor Gamma noise; choose another one")
    if square <= mse:
        raise InputError(
            f"sigma {sigma:g} is too large: Gamma noise of this error needs k > 1 on this image, that is "
            f"sigma < {255 * math.sqrt(square):.4g}"
        )
    return gaussian, Poisson(mse / mean), Gamma(square / mse)


def measure(clean: np.ndarray, noisy: np.ndarray, noise: Noise) -> Corrupted:
    """Measure the variance of a noisy copy, overall and by clean intensity.

    Args:
        clean: x, (H, W, C), intensities in [0, 1].
        noisy: y, the same shape.
        noise: the noise from which y was drawn.
    """
    x = clean.astype(np.float64).ravel()
    pixels = pd.DataFrame(
        {"x": x, "expected": noise.variance(x), "squared": (noisy.astype(np.float64).ravel() - x) ** 2}
    )
    level = np.minimum((x * LEVELS).astype(int), LEVELS - 1)
    groups = pixels.groupby(level)
    count = groups.size()
    # Relative to each pixel's own variance, which varies within a level.
    error = ((pixels["squared"] - pixels["expected"]) ** 2).groupby(level).sum() ** 0.5 / count
    columns = {
        "intensity": groups["x"].mean(),
        "pixels": count,
        "expected_variance": groups["expected"].mean(),
        "measured_variance": groups["squared"].mean(),
        "standard_error": error,
    }
    mse_error = float(np.sqrt(((pixels["squared"] - pixels["expected"]) ** 2).sum())) / len(pixels)
    return Corrupted(
        noise=noise,
        noisy=noisy,
        expected_mse=float(pixels["expected"].mean()),
        mse=float(pixels["squared"].mean()),
        mse_error=mse_error,
        by_intensity=pd.DataFrame(columns).reset_index(drop=True),
    )


def read_clean(path: Path) -> np.ndarray:
    """Read an image file as (H, W, C) float64 intensities in [0, 1].

    Raises:
        InputError: it cannot be read, or holds values outside [0, 1], for which Poisson noise is not defined.
    """
    images = open_image_file(path)
    image = full_scale(images.dtype).to_unit(next(iter(images)))
    if image.min() < 0 or image.max() > 1:
        raise InputError(
            f"{path}: values from {image.min():g} to {image.max():g}; a clean image is in [0, 1]"
        )
    return image.astype(np.float64)


def embedded(name: str) -> np.ndarray:
    """Return one of scikit-image's photographs, (H, W, C) float64 intensities in [0, 1], grey or RGB.

    Raises:
        InputError: there is no photograph of that name.
    """
    for spec in _SETS:
        if name in REGISTRY[spec].fingerprints:
            images = open_set(spec, channels=REGISTRY[spec].channels)
            return next(image.pixels for image in images if image.name == name).astype(np.float64) / 255
    raise unknown("photograph", name, {known for spec in _SETS for known in REGISTRY[spec].fingerprints})


def symbol(noise: Noise) -> str:
    """Format the parameter of a noise with its symbol, such as ``σ = 25/255``."""
    if isinstance(noise, Gaussian):
        return f"σ = {noise.parameter:.4g}/255"
    if isinstance(noise, Poisson):
        return f"ζ = {noise.parameter:.3g}"
    return f"k = {noise.parameter:.3g}"
