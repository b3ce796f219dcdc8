"""Images embedded in the page: the same crop of each version, as data URIs."""

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
"""Side of a crop, in pixels."""

STEP = 0.05
"""The end of the error scale is a multiple of this."""


@dataclass(frozen=True)
class Tile:
    """One version of a test image.

    Args:
        name: ``clean``, ``noisy`` or a method.
        source: a PNG as a data URI.
        psnr: PSNR of the whole image, dB; NaN for the clean one.
        ssim: SSIM of the whole image; NaN for the clean one.
    """

    name: str
    source: str
    psnr: float = math.nan
    ssim: float = math.nan


@dataclass(frozen=True)
class ImageTiles:
    """A test image under one noise: the same crop clean, noisy, and denoised by every method.

    Args:
        label: label of the noise.
        images: the test set.
        image: file name of the image.
        width: width of the crop, in pixels.
        height: height of the crop, in pixels.
        tiles: clean, noisy, then the methods by how much they saw, least first.
        selected: name of the tile that is initially compared with the noisy one.
    """

    label: str
    images: str
    image: str
    width: int
    height: int
    tiles: tuple[Tile, ...]
    selected: str


def cut_tiles(image: ShownImage, methods: Sequence[str], selected: str | None = None) -> ImageTiles:
    """Cut the same crop out of all versions of an image.

    Args:
        image: the image to crop.
        methods: the methods, in the order of their tiles.
        selected: the method to compare initially; by default the last.
    """
    crop = busiest(image.clean)
    scores = image.image.scores
    tiles = [
        Tile("clean", as_data(image.clean[crop])),
        Tile("noisy", as_data(image.noisy[crop]), scores["noisy_psnr"], scores["noisy_ssim"]),
    ]
    tiles += [
        Tile(method, as_data(denoised.pixels[crop]), denoised.psnr, denoised.ssim)
        for method in methods
        if (denoised := image.denoised.get(method))
    ]
    height, width, _ = image.clean[crop].shape
    first = selected if selected in image.denoised else tiles[-1].name
    return ImageTiles(image.label, image.images, image.image.name, width, height, tuple(tiles), first)


def busiest(clean: np.ndarray, *, side: int = SIDE) -> tuple[slice, slice]:
    """Choose the crop in which flat and busy parts differ most, from the clean image alone.

    Args:
        clean: (H, W, C) intensities.
        side: side of the crop, in pixels; a smaller image is used whole.

    Returns:
        The rows and the columns of the crop.
    """
    grey = clean.mean(axis=2).astype(float)
    height, width = (min(side, length) for length in grey.shape)
    slope = ndimage.gaussian_gradient_magnitude(grey, sigma=2)
    # A box filter centres its window; cut to the windows inside the image, the first is at (0, 0).
    inside = tuple(
        slice(size // 2, size // 2 + length - size + 1)
        for size, length in zip((height, width), grey.shape, strict=True)
    )
    mean, square = (ndimage.uniform_filter(part, (height, width))[inside] for part in (slope, slope**2))
    spread = square - mean**2
    top, left = (int(place) for place in np.unravel_index(spread.argmax(), spread.shape))
    return slice(top, top + height), slice(left, left + width)


def as_data(pixels: np.ndarray) -> str:
    """Encode an image as an 8-bit PNG in a data URI.

    Args:
        pixels: (H, W, C), C 1 (grey) or 3 (RGB); clipped to [0, 1].
    """
    samples = np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples).save(content, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def error_peak(images: Sequence[ShownImage]) -> float:
    """Choose the end of the error scale that all images share: 99 % of errors are below it.

    Returns:
        A multiple of ``STEP``; 0 without denoised images.
    """
    errors = [
        np.abs(denoised.pixels - image.clean).ravel()
        for image in images
        for denoised in image.denoised.values()
    ]
    if not errors:
        return 0.0
    return math.ceil(float(np.quantile(np.concatenate(errors), 0.99)) / STEP) * STEP
