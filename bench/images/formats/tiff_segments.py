"""Decode the strips and tiles of a TIFF page, each checked by its own header first."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bench.errors import InputError
from bench.images.limits import MOST_SCANS

if TYPE_CHECKING:
    from tifffile import TiffPage

_JPEG = 7

COMPRESSIONS = {
    1: "none",
    5: "LZW",
    _JPEG: "JPEG",
    8: "deflate",
    32773: "PackBits",
    32946: "deflate",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    34712: "JPEG 2000",
    34925: "LZMA",
    34926: "ZSTD",
    50000: "ZSTD",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
"""Compression tag -> name, of those that are decoded."""

_SCAN = b"\xff\xda"
_FILL = 0xFF
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # not those of tables
_MOST_COMPONENTS = 5
_JPEG_2000_START = b"\xff\x4f\xff\x51"
_JPEG_XL_START = b"\xff\x0a"
_JPEG_XL_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def decode_page(page: TiffPage, *, where: str) -> np.ndarray:
    """Decode a page.

    Args:
        page: a page whose size and compression have been checked.
        where: name of the image in messages.

    Returns:
        Its samples as (separate samples, depth, height, width, contiguous samples), of its type.

    Raises:
        InputError: if a strip or tile is missing, or is not of the size and type that the page states.
    """
    require_segments(page, where=where)
    decoded = np.empty(page.shaped, page.dtype)
    tables = {"jpegtables": page.jpegtables} if page.compression == _JPEG else {}
    # The last strip may have more rows than are left.
    height = page.tilelength if page.is_tiled else min(page.rowsperstrip, page.imagelength)
    width = page.tilewidth if page.is_tiled else page.imagewidth
    file = page.parent.filehandle
    for index, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=True)):
        file.seek(offset)
        content = file.read(count)
        require_honest(content, COMPRESSIONS[page.compression], height=height, width=width, where=where)
        segment, (sample, depth, top, left, _), _ = page.decode(content, index, **tables)
        if segment is None or segment.dtype != decoded.dtype:
            raise InputError(f"{where}: damaged (its samples are not of the type {decoded.dtype})")
        deep, high, wide, _ = segment.shape
        part = decoded[sample, depth : depth + deep, top : top + high, left : left + wide]
        part[...] = segment[: part.shape[0], : part.shape[1], : part.shape[2]]
    return decoded


def require_segments(page: TiffPage, *, where: str) -> None:
    """Check that the file has every strip or tile of a page, whole.

    Raises:
        InputError: one is missing or reaches beyond the end of the file.
    """
    needed = int(np.prod(page.chunked))
    offsets, counts = page.dataoffsets, page.databytecounts
    size = page.parent.filehandle.size
    if not len(offsets) == len(counts) == needed or not all(offsets) or not all(counts):
        raise InputError(f"{where}: truncated or damaged (of {needed} strips or tiles, some are missing)")
    if max(map(sum, zip(offsets, counts, strict=True))) > size:
        raise InputError(f"{where}: truncated or damaged (a strip or tile reaches beyond the end)")


def require_honest(content: bytes, compression: str, *, height: int, width: int, where: str) -> None:
    """Check that the compressed image in a strip or tile does not claim to be larger than it.

    Raises:
        InputError: it claims more pixels or scans, as a decompression bomb would.
    """
    scans = content.count(_SCAN)
    if compression == "JPEG" and scans > MOST_SCANS:
        raise InputError(f"{where}: {scans} scans are too many; allowed: {MOST_SCANS}")
    claims = {"JPEG": _jpeg_size, "JPEG 2000": _jpeg_2000_size, "JPEG XL": _jpeg_xl_size, "WebP": _webp_size}
    if compression not in claims:
        return
    high, wide = claims[compression](content)
    if high > height or wide > width:
        raise InputError(
            f"{where}: damaged, or a decompression bomb (a strip or tile of {height}x{width} pixels claims "
            f"to have {high}x{wide})"
        )


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Return the size in the frame header, found from marker to marker, since thumbnails have headers too."""
    place = 2
    while (marker := _marker(content, place)) not in _FRAMES:
        place += 1 if marker == _FILL else 2 + int.from_bytes(content[place + 2 : place + 4])
    return struct.unpack_from(">HH", content, place + 5)


def _marker(content: bytes, place: int) -> int:
    start, marker = content[place : place + 2]
    if start != _FILL:
        raise ValueError("a JPEG without its frame header")
    return marker


def _jpeg_2000_size(content: bytes) -> tuple[int, int]:
    if not content.startswith(_JPEG_2000_START):
        raise ValueError("not a JPEG 2000 codestream")
    right, bottom, left, top, *_, components = struct.unpack_from(">8LH", content, 8)
    if components > _MOST_COMPONENTS:
        raise ValueError(f"a JPEG 2000 image of {components} components")
    return bottom - top, right - left


def _webp_size(content: bytes) -> tuple[int, int]:
    width, height = Image.open(io.BytesIO(content), formats=("WEBP",)).size
    return height, width


def _jpeg_xl_size(content: bytes) -> tuple[int, int]:
    """Return the size in the header of a JPEG XL codestream, in boxes or not (ISO/IEC 18181-1, D.2)."""
    place = 0
    while not content.startswith(_JPEG_XL_START, place):
        length, kind = struct.unpack_from(">L4s", content, place)
        place += {b"jxlc": 8, b"jxlp": 12}.get(kind, max(length, 8))
    bits = int.from_bytes(content[place + 2 : place + 14], "little")

    def take(count: int) -> int:
        nonlocal bits
        value, bits = bits & ((1 << count) - 1), bits >> count
        return value

    def side(*, small: int) -> int:
        return (take(5) + 1) * 8 if small else take((9, 13, 18, 30)[take(2)]) + 1

    small = take(1)
    height = side(small=small)
    ratio = take(3)
    across, down = _JPEG_XL_RATIOS.get(ratio, (0, 1))
    return height, height * across // down if ratio else side(small=small)
