"""Clean images, checked once and identified by the hash of their pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import InputError
from bench.images.image_file import open_image_file
from bench.images.intensity_scale import IntensityScale, choose_scale
from bench.system.safe_names import require_name

if TYPE_CHECKING:
    from pathlib import Path

MIN_IMAGE_SIDE = 11
"""Side of the SSIM window in pixels; it has to fit into every image."""

GREY_WEIGHTS = (0.298936, 0.587043, 0.114021)
"""Weights of red, green and blue in grey, those of MATLAB's rgb2gray, which produced the BSD68 files."""

BYTES = IntensityScale(0, 255, "its 8 bits")
"""The scale of every clean image of 8 bits, whatever it shows."""


@dataclass(frozen=True, eq=False)
class CleanImage:
    """A clean image, read-only, identified by the hash of its pixels.

    Attributes:
        name: file name, such as ``test_001.png``.
        pixels: (H, W, C), C 1 (grey) or 3 (RGB), the values of the file. Not writable, so that the
            fingerprint stays true.
        scale: black and white level of the values.
        fingerprint: sha256 over shape and pixels, in hex; over type and scale too, unless it has 8 bits.

    Raises:
        InputError: if the name is not a safe file name; see `require_name`.
    """

    name: str
    pixels: np.ndarray
    scale: IntensityScale = BYTES
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        require_name(self.name, of="image")
        prefix = "x".join(map(str, self.pixels.shape)) + ":"
        if self.pixels.dtype != np.uint8:
            prefix += f"{self.pixels.dtype}:{self.scale.black!r}:{self.scale.white!r}:"
        digest = hashlib.sha256(prefix.encode() + self.pixels.tobytes())
        object.__setattr__(self, "fingerprint", digest.hexdigest())
        # A view, so that the caller's array stays writable.
        frozen = self.pixels.view()
        frozen.setflags(write=False)
        object.__setattr__(self, "pixels", frozen)

    @property
    def size(self) -> str:
        """Height x width, as messages print it."""
        height, width, _ = self.pixels.shape
        return f"{height}x{width}"


def intensities(image: CleanImage) -> np.ndarray:
    """Convert the values of a file to float32, (H, W, C), in which black is 0 and white 1."""
    return image.scale.to_unit(image.pixels).astype(np.float32, copy=False)


def grey(pixels: np.ndarray) -> np.ndarray:
    """Convert colour to grey, computed in float64 and rounded to the type of integers.

    Args:
        pixels: (H, W, 3), RGB.

    Returns:
        (H, W, 1) of the same type.
    """
    # Three products and two sums, not a matrix product: BLAS may fuse or reorder, and the bytes are hashed.
    red, green, blue = (weight * pixels[..., i].astype(np.float64) for i, weight in enumerate(GREY_WEIGHTS))
    mixed = red + green + blue
    return (mixed if pixels.dtype.kind == "f" else np.rint(mixed)).astype(pixels.dtype)[..., None]


def decode(
    source: Path | bytes, *, name: str, channels: int
) -> tuple[tuple[CleanImage, ...], tuple[str, ...]]:
    """Decode the clean images of a file.

    Colour profiles are ignored: only the stored values count.

    Args:
        source: the file, or its content.
        name: name of the file, and of its image. Several images have their numbers before the suffix.
        channels: 1 converts colour to grey by ``GREY_WEIGHTS``; 3 keeps colour unchanged.

    Returns:
        The images, and a note on each conversion.

    Raises:
        InputError: as `open_image_file` and `CleanImage` do; if a side is shorter than ``MIN_IMAGE_SIDE``
            pixels; or if an image is grey and 3 channels are asked for.
    """
    where = _describe_source(source, name)
    images = open_image_file(source, where=where)
    if min(images.shape[:2]) < MIN_IMAGE_SIDE:
        height, width, _ = images.shape
        raise InputError(
            f"{where}: {height}x{width} pixels; "
            f"at least {MIN_IMAGE_SIDE}x{MIN_IMAGE_SIDE} are needed, the window of SSIM"
        )
    notes = list(images.notes)
    scale = BYTES
    if images.dtype != np.uint8:
        scale = choose_scale(images)
        notes.append(f"{images.dtype} values scaled, {scale}")
    names = _names(name, len(images))
    decoded = tuple(
        CleanImage(each, _in_channels(pixels, channels, where), scale)
        for each, pixels in zip(names, images, strict=True)
    )
    return decoded, tuple(f"{name}: {note}" for note in notes)


def _names(name: str, count: int) -> list[str]:
    stem, dot, suffix = name.rpartition(".")
    return [name] if count == 1 else [f"{stem or suffix}_{i:04d}{dot}{suffix}" for i in range(1, count + 1)]


def _describe_source(source: Path | bytes, name: str) -> str:
    if isinstance(source, bytes):
        return name
    return str(source) if source.name == name else f"{name} ({source})"


def _in_channels(pixels: np.ndarray, channels: int, where: str) -> np.ndarray:
    if channels == 1:
        return grey(pixels) if pixels.shape[-1] == 3 else pixels
    if (pixels == pixels[..., :1]).all():
        raise InputError(
            f"{where}: a grey image, and colour is asked for (3 channels); "
            "remove it, or ask for grey (1 channel)"
        )
    return pixels
