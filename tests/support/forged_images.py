"""Image files that no encoder writes: with false headers, or slow to decode."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

Chunk = tuple[bytes, bytes]


def png(width: int, height: int, *, bits: int = 8, colour: int = 0, rows: bytes = b"") -> bytes:
    """Return a PNG of any size and bit depth; ``colour`` is 0 (grey), 2 (RGB) or 3 (palette)."""
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return png_of([(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])


def png_of(chunks: Sequence[Chunk]) -> bytes:
    """Join chunks, each with its checksum."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def bmp(width: int, height: int) -> bytes:
    """Return a BMP of 24 bits with a kilobyte of pixels."""
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 1054, 0, 0, 54) + info + bytes(1000)


def tiff(
    width: int,
    height: int,
    *,
    bits: int = 8,
    kind: int = 1,
    samples: int = 1,
    tile: tuple[int, int] | None = None,
    pages: int = 1,
    more: int | None = None,
) -> bytes:
    """Return a TIFF with a kilobyte of integers (``kind`` 1) or floats (3), in tiles of width, height.

    ``more`` is a further tag, whose value is 0.
    """
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1 if samples == 1 else 2}
    tags |= {277: samples, 339: kind} | ({more: 0} if more else {})
    tags |= {322: tile[0], 323: tile[1], 324: 8, 325: 1000} if tile else {273: 8, 278: height, 279: 1000}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    following = [1008 + page * (len(entries) + 6) for page in range(1, pages)] + [0]
    directories = [struct.pack("<H", len(tags)) + entries + struct.pack("<I", place) for place in following]
    return b"II*\0" + struct.pack("<I", 1008) + bytes(1000) + b"".join(directories)


def big_tiff(entries: int) -> bytes:
    """Return the header of a BigTIFF whose directory claims this many entries."""
    return b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, entries)


def jpeg(width: int, height: int, *, scans: int = 0) -> bytes:
    """Return a progressive JPEG of 16x16 pixels that claims another size, with extra empty scans."""
    content = io.BytesIO()
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(content, "jpeg", progressive=True)
    whole = bytearray(content.getvalue())
    start = whole.index(b"\xff\xc2") + 5
    whole[start : start + 4] = struct.pack(">HH", height, width)
    last, end = whole[whole.rindex(b"\xff\xda") : -2], whole[-2:]
    return bytes(whole[:-2] + last * scans + end)


def webp(width: int, height: int) -> bytes:
    """Return a lossless WebP of 32x32 pixels that claims another size."""
    whole = bytearray(imagecodecs.webp_encode(np.zeros((32, 32, 3), np.uint8), lossless=True))
    start = whole.index(b"VP8L") + 9
    (before,) = struct.unpack_from("<I", whole, start)
    struct.pack_into("<I", whole, start, before >> 28 << 28 | (height - 1) << 14 | width - 1)
    return bytes(whole)
