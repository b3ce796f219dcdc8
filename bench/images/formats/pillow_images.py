"""Read files of one image: BMP, JPEG, PNG and WebP."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

import imagecodecs
import numpy as np
from PIL.ExifTags import Base

from bench.errors import InputError
from bench.images.formats.png_chunks import bit_depth, significant_bits
from bench.images.formats.stored_images import Container, StatedRange, StoredImages, drop_alpha, upright
from bench.images.safe_decode import decode_checked, naming_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from PIL import Image

_CONVERTED = {"CMYK": "CMYK", "P": "palette", "PA": "palette"}
_MODES = ("L", "LA", "RGB", "RGBA", *_CONVERTED)
_DEEP = 16


class Decoded(NamedTuple):
    """The samples of an image as stored, (H, W, C) with alpha if it has one, and what is converted."""

    samples: np.ndarray
    notes: tuple[str, ...] = ()


def open_single(source: Path | bytes, content: bytes, *, where: str) -> StoredImages:
    """Open a file of one image.

    JPEG pixels depend on the decoder; the manifests are for libjpeg-turbo, which every Pillow wheel contains.

    Args:
        source: the file, or its content.
        content: content of the file.
        where: name of the file in messages.

    Raises:
        InputError: as raised by ``decode_checked``; or if the samples are not grey, RGB, CMYK or palette of 8
            or 16 bits, or are transparent anywhere.
    """
    image = decode_checked(content, where=where)
    samples, notes = _samples(image, content, where)
    if samples.shape[-1] in (2, 4):
        samples = drop_alpha(samples, largest=np.iinfo(samples.dtype).max, where=where)
        notes = (*notes, "fully opaque alpha channel dropped")
    orientation = _orientation(image, where)
    pixels = np.ascontiguousarray(upright(samples, orientation))
    return StoredImages(
        where=where,
        source=source,
        container=cast("Container", image.format),
        count=1,
        shape=cast("tuple[int, int, int]", pixels.shape),
        dtype=pixels.dtype,
        bits=pixels.dtype.itemsize * 8,
        orientation=orientation,
        stated=tuple(_stated(content, image)),
        notes=notes,
        decode=partial(iter, (pixels,)),
    )


def _orientation(image: Image.Image, where: str) -> int:
    with naming_errors(where):
        found = image.getexif().get(Base.Orientation, 1) or 1  # 0 is written for an unknown one
    if found not in range(1, 9):
        raise InputError(f"{where}: orientation {found!r}; allowed: 1 to 8")
    return int(found)


def _samples(image: Image.Image, content: bytes, where: str) -> Decoded:
    depth = bit_depth(content) if image.format == "PNG" else 1 if image.mode == "1" else 8
    if image.mode not in _CONVERTED and depth < 8:
        raise InputError(f"{where}: {depth}-bit samples; allowed: 8 or 16 bits")
    if depth == _DEEP:
        if "transparency" in image.info:
            raise InputError(f"{where}: transparent by a colour key; allowed: grey or RGB without one")
        with naming_errors(where):
            # Pillow reduces 16-bit colours to 8 bits.
            return Decoded(np.atleast_3d(imagecodecs.png_decode(content)))
    if image.mode not in _MODES:
        raise InputError(f"{where}: mode {image.mode}; allowed: {', '.join(_MODES)}")
    colours = "L" if image.mode in ("L", "LA") else "RGB"
    if image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))
        return Decoded(np.dstack([np.asarray(image.convert(colours)), alpha]), _notes(image))
    return Decoded(np.atleast_3d(np.asarray(image.convert(colours))), _notes(image))


def _notes(image: Image.Image) -> tuple[str, ...]:
    return (f"{_CONVERTED[image.mode]} converted to RGB",) if image.mode in _CONVERTED else ()


def _stated(content: bytes, image: Image.Image) -> Iterator[StatedRange]:
    if image.format == "PNG" and bit_depth(content) == _DEEP and (bits := significant_bits(content)):
        yield StatedRange(0, 2**bits - 1, f"PNG: {bits} significant bits")
