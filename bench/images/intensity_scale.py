"""The map between the values of a file and a model's intensities: black is 0 and white is 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.images.formats.stored_images import StatedRange, StoredImages

TAILS = (0.0001, 0.999)
"""Quantiles of an image that count as its darkest and brightest values; dead and hot pixels are beyond."""

SMALL_PART = 1 / 16
"""An image that uses a smaller part of a range than this was not recorded for that range."""

LARGE_PART = 1 / 4
"""An image that uses as much of its type's range has no black level of its own."""

OFFSET_PART = 1 / 8
"""Values that start this far above 0, relative to their span, have a black level of their own."""

FRACTIONS = (-1, 2)
"""Floats in this range may be fractions of white, noise included."""

PLAUSIBLE_MEANS = (-0.5, 1.5)
"""Range for the mean of floats that are fractions of white."""

_BLOCK = 2**20
_MOST_SAMPLED = 2**20
_DARK_BYTES = 31


@dataclass(frozen=True)
class IntensityScale:
    """Black and white level of a file: intensity = (value - black) / (white - black).

    Args:
        black: the value of a file that is intensity 0.
        white: the value that is intensity 1, above black.
        origin: where the two come from.

    Raises:
        InputError: white is not above black, or one is not finite.
    """

    black: float
    white: float
    origin: str = "given"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.black) and math.isfinite(self.white) and self.black < self.white):
            raise InputError(
                f"black level {self.black:g} and white level {self.white:g}; allowed: white above black"
            )

    def __str__(self) -> str:
        """Format both levels with their origin, as ``black 100, white 611 (from the data: ...)``."""
        return f"black {self.black:.10g}, white {self.white:.10g} ({self.origin})"

    def to_unit(self, values: np.ndarray) -> np.ndarray:
        """Convert values of a file to intensities; values beyond black or white go beyond [0, 1].

        Args:
            values: of any shape and type.

        Returns:
            float32 for integers of up to 16 bits, whose values it holds exactly, otherwise float64.
        """
        kind = np.float32 if values.dtype.kind in "ui" and values.dtype.itemsize <= 2 else np.float64
        unit: np.ndarray = values.astype(kind)
        np.subtract(unit, kind(self.black), out=unit)
        np.divide(unit, kind(self.white - self.black), out=unit)
        return unit

    def from_unit(
        self, intensities: np.ndarray, dtype: np.dtype[Any], *, largest: float
    ) -> tuple[np.ndarray, int]:
        """Convert intensities to values of a type, the inverse of ``to_unit``.

        Args:
            intensities: of any shape.
            dtype: type of the values; integers are rounded.
            largest: the largest value that the file can hold, infinity for floats.

        Returns:
            The values, and how many were clamped because the type does not hold them.

        Raises:
            InputError: an intensity is NaN.
        """
        values, clamped = np.empty(intensities.shape, dtype), 0
        blocks = max(1, intensities.size // _BLOCK)
        # In blocks, since doubles take eight times the memory of bytes.
        for block, target in zip(
            np.array_split(intensities, blocks), np.array_split(values, blocks), strict=True
        ):
            clamped += self._store(block, target, largest)
        return values, clamped

    def _store(self, intensities: np.ndarray, values: np.ndarray, largest: float) -> int:
        """Convert some intensities to values, and count the clamped ones."""
        if np.isnan(intensities).any():
            raise InputError("not written, since the image holds NaN; allowed: finite intensities")
        exact = intensities.astype(np.float64) * (self.white - self.black) + self.black
        if values.dtype.kind == "f":
            values[...] = exact
            return 0
        np.rint(exact, out=exact)
        least = -largest - 1 if values.dtype.kind == "i" else 0
        values[...] = exact.clip(least, largest)
        return int(np.count_nonzero((exact < least) | (exact > largest)))

    def in_file_units(self, difference: float) -> float:
        """Convert a difference of intensities, such as a standard deviation, to the units of the file."""
        return difference * (self.white - self.black)


class UsedRange(NamedTuple):
    """The values that images use: quantiles at ``TAILS``, mean, and whether all are whole numbers."""

    low: float
    high: float
    mean: float
    whole: bool

    @property
    def span(self) -> float:
        """Distance of the quantiles."""
        return self.high - self.low

    def fits(self, stated: StatedRange) -> bool:
        """Check whether a stated range is that of the values: it contains most, and is not far too wide."""
        width = stated.white - stated.black
        margin = width / 10
        inside = stated.black - margin <= self.low and self.high <= stated.white + margin
        return inside and self.span >= SMALL_PART * width


def full_scale(dtype: np.dtype[Any]) -> IntensityScale:
    """Return the scale on which white is the largest value of an integer type, or 1 for floats."""
    return IntensityScale(0, 1 if dtype.kind == "f" else int(np.iinfo(dtype).max), f"all of {dtype.name}")


def choose_scale(
    images: StoredImages, *, black: float | None = None, white: float | None = None
) -> IntensityScale:
    """Choose the scale of a file, one for all its images.

    In this order: the levels that are given; a range that the metadata state, if the values use it; 0 to 255
    for 8 bits; the number of bits that the values use, above a black level if they start far above 0. Floats
    around 0 to 1 are fractions of white already.

    Args:
        images: images of the file, which are read once unless both levels are given.
        black: black level, if it is known.
        white: white level, if it is known.

    Raises:
        InputError: white is not above black; or as raised by reading the images.
    """
    if black is not None and white is not None:
        return IntensityScale(black, white)
    found = _found_scale(images)
    if black is None and white is None:
        return found
    given = "black level given" if white is None else "white level given"
    lowest, highest = found.black if black is None else black, found.white if white is None else white
    return IntensityScale(lowest, highest, f"{given}; else {found.origin}")


def _found_scale(images: StoredImages) -> IntensityScale:
    used = measure_range(images)
    for stated in images.stated:
        if used.fits(stated):
            return IntensityScale(stated.black, stated.white, f"from its metadata, {stated.origin}")
    if images.dtype.kind == "f":
        return _scale_of_floats(used)
    if images.dtype == np.uint8 and not 0 < used.high <= _DARK_BYTES:
        return IntensityScale(0, 255, "its 8 bits")
    return _scale_of_integers(used, full=images.largest)


def measure_range(images: Iterable[np.ndarray]) -> UsedRange:
    """Measure the values that all images of a file use; of large images every n-th value counts."""
    ranges = [_range_of(image) for image in images]
    return UsedRange(
        low=min(each.low for each in ranges),
        high=max(each.high for each in ranges),
        mean=float(np.mean([each.mean for each in ranges])),
        whole=all(each.whole for each in ranges),
    )


def _range_of(image: np.ndarray) -> UsedRange:
    values = image.ravel()[:: max(1, image.size // _MOST_SAMPLED)].astype(np.float64)
    low, high = np.quantile(values, TAILS)
    if low == high:  # nearly all of it is background
        low, high = values.min(), values.max()
    return UsedRange(float(low), float(high), float(values.mean()), bool((values == np.rint(values)).all()))


def _scale_of_integers(used: UsedRange, *, full: float) -> IntensityScale:
    if used.span <= 0:
        return IntensityScale(0, full, "all values of the type, since the image is constant")
    recorded_in_full = used.low >= 0 and used.span >= LARGE_PART * full
    black, why = (0, "the whole range is used") if recorded_in_full else _black_level(used)
    white = black + 2 ** math.ceil(used.high - black).bit_length() - 1
    return IntensityScale(black, min(white, full), f"from the data: {why}")


def _scale_of_floats(used: UsedRange) -> IntensityScale:
    counts = used.whole and used.high > 1
    around = FRACTIONS[0] <= used.low and used.high <= FRACTIONS[1]
    if used.span <= 0 or (
        not counts
        and around
        and PLAUSIBLE_MEANS[0] <= used.mean <= PLAUSIBLE_MEANS[1]
        and used.span >= SMALL_PART
    ):
        return IntensityScale(0, 1, "from the data: floats around 0 to 1")
    black, why = _black_level(used)
    # Dividing by a power of two changes no digit of a float.
    return IntensityScale(
        black, black + 2.0 ** math.ceil(math.log2(used.high - black)), f"from the data: {why}"
    )


def _black_level(used: UsedRange) -> tuple[float, str]:
    """Return 0, or the darkest values if they are far from 0, and the reason."""
    span = f"nearly all values are from {used.low:g} to {used.high:g}"
    if abs(used.low) > OFFSET_PART * used.span:
        # Subtracting a number of few digits changes no digit of a float.
        step = 1 if used.whole else 2.0 ** (math.floor(math.log2(used.span)) - 6)
        return math.floor(used.low / step) * step, f"{span}, far from 0"
    return 0, span
