"""The images of one file, with their exact sample values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Container = Literal["BMP", "JPEG", "PNG", "TIFF", "WEBP"]

SAMPLE_TYPES = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32", "float64")
"""The types of samples that are read and written."""


class StatedRange(NamedTuple):
    """A range of values that the metadata of a file state: black, white, and which metadata."""

    black: float
    white: float
    origin: str


@dataclass(frozen=True, eq=False)
class StoredImages:
    """The images of one file, all of one size and type, decoded one at a time.

    Iterating yields (H, W, C) arrays of type ``dtype``, upright, with C 1 (grey) or 3 (RGB), in which larger
    values are brighter.

    Args:
        where: name of the file in messages.
        source: the file, or its content.
        container: its format.
        count: number of images.
        shape: height, width and channels of each image, upright.
        dtype: type of the samples, in native byte order.
        bits: bits of a sample that the format stores.
        orientation: how the pixels are turned in the file, 1 to 8.
        stated: ranges of values that its metadata state, the most specific first.
        notes: conversions, such as ``palette converted to RGB``.
        decode: starts again at the first image.
    """

    where: str
    source: Path | bytes
    container: Container
    count: int
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    bits: int
    orientation: int
    stated: tuple[StatedRange, ...]
    notes: tuple[str, ...]
    decode: Callable[[], Iterator[np.ndarray]]

    def __iter__(self) -> Iterator[np.ndarray]:
        for index, image in enumerate(self.decode()):
            if image.dtype.kind == "f" and not np.isfinite(image).all():
                raise InputError(f"{self.label(index)}: holds NaN or infinity; allowed: finite intensities")
            yield image

    def __len__(self) -> int:
        return self.count

    def label(self, index: int) -> str:
        """Return the name of an image in messages: the file, and the number of the image if it has many."""
        return self.where if self.count == 1 else f"{self.where}, image {index + 1} of {self.count}"

    @property
    def largest(self) -> float:
        """The largest value that a sample can have; infinity for floats."""
        if self.dtype.kind == "f":
            return float("inf")
        return float(2 ** (self.bits - (self.dtype.kind == "i")) - 1)


def drop_alpha(image: np.ndarray, *, largest: float, where: str) -> np.ndarray:
    """Drop the last channel of (H, W, C + 1) samples if it is opaque everywhere.

    Raises:
        InputError: a pixel is transparent.
    """
    lowest = image[..., -1].min()
    if lowest < largest:
        raise InputError(
            f"{where}: transparent (alpha down to {lowest:g} of {largest:g}); "
            "only a fully opaque alpha channel can be dropped"
        )
    return image[..., :-1]


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn stored pixels (H, W, C) upright, by the orientation of EXIF and TIFF, 1 to 8."""
    turned = pixels.swapaxes(0, 1) if orientation >= 5 else pixels
    return _flip(turned, orientation)


def as_stored(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo ``upright``."""
    flipped = _flip(pixels, orientation)
    return flipped.swapaxes(0, 1) if orientation >= 5 else flipped


def _flip(pixels: np.ndarray, orientation: int) -> np.ndarray:
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else 1)
    return pixels[rows, columns]
