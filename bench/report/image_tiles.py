"""Pictures inside the page: the same crop of each, as data of the page itself."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.report.denoised_images import ShownImage

SIDE = 192
"""Of a crop, pixels."""

STEP = 0.05
"""The ends of the scale of errors are multiples of it."""


@dataclass(frozen=True)
class Tile:
    """One picture of an exhibit.

    Args:
        name: ``clean``, ``noisy`` or a method.
        source: a PNG as a data URI.
        psnr: of the whole picture, dB; NaN for the clean one.
        ssim: likewise.
    """

    name: str
    source: str
    psnr: float = math.nan
    ssim: float = math.nan


@dataclass(frozen=True)
class ImageTiles:
    """A test picture under one noise: the same crop clean, noisy, and by every method.

    Args:
        label: of the noise.
        images: the test set.
        image: the picture's file name.
        width: of the crop, pixels.
        height: likewise.
        tiles: clean, noisy, then the methods that saw least first.
        picked: the one that stands beside the noisy one at first.
    """

    label: str
    images: str
    image: str
    width: int
    height: int
    tiles: tuple[Tile, ...]
    picked: str


def cut_tiles(subject: ShownImage, methods: Sequence[str], picked: str | None = None) -> ImageTiles:
    """Cut the same crop out of a picture and of what methods made of it.

    Args:
        subject: the picture.
        methods: in the order of their tiles.
        picked: the one to begin with; by default the last.
    """
    crop = busiest(subject.clean)
    scores = subject.image.scores
    tiles = [
        Tile("clean", as_data(subject.clean[crop])),
        Tile("noisy", as_data(subject.noisy[crop]), scores["noisy_psnr"], scores["noisy_ssim"]),
    ]
    tiles += [
        Tile(method, as_data(denoised.pixels[crop]), denoised.psnr, denoised.ssim)
        for method in methods
        if (denoised := subject.denoised.get(method))
    ]
    height, width, _ = subject.clean[crop].shape
    first = picked if picked in subject.denoised else tiles[-1].name
    return ImageTiles(subject.label, subject.images, subject.image.name, width, height, tuple(tiles), first)


def busiest(clean: np.ndarray, *, side: int = SIDE) -> tuple[slice, slice]:
    """Choose the crop in which flat and busy parts differ most, by the clean picture alone.

    Args:
        clean: (H, W, C) intensities.
        side: of the crop, pixels; a smaller picture is taken whole.

    Returns:
        The rows and the columns of the crop.
    """
    grey = clean.mean(axis=2).astype(float)
    height, width = (min(side, length) for length in grey.shape)
    slope = ndimage.gaussian_gradient_magnitude(grey, sigma=2)
    # A box filter centres its window; cut to the windows that lie inside, the first is at (0, 0).
    inside = tuple(
        slice(size // 2, size // 2 + length - size + 1)
        for size, length in zip((height, width), grey.shape, strict=True)
    )
    mean, square = (ndimage.uniform_filter(part, (height, width))[inside] for part in (slope, slope**2))
    spread = square - mean**2
    top, left = (int(place) for place in np.unravel_index(spread.argmax(), spread.shape))
    return slice(top, top + height), slice(left, left + width)


def as_data(pixels: np.ndarray) -> str:
    """Write a picture as a PNG of 8 bits in a data URI.

    Args:
        pixels: (H, W, C), C 1 (grey) or 3 (RGB); clipped to [0, 1].
    """
    samples = np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples).save(content, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def error_peak(subjects: Sequence[ShownImage]) -> float:
    """Choose the end of the scale of errors, which all exhibits share: all but 1 % of errors lie below.

    Raises:
        ValueError: there are no pictures.
    """
    errors = [
        np.abs(denoised.pixels - subject.clean).ravel()
        for subject in subjects
        for denoised in subject.denoised.values()
    ]
    return math.ceil(float(np.quantile(np.concatenate(errors), 0.99)) / STEP) * STEP
