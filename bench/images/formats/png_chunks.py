"""The chunks of a PNG (PNG specification, third edition): read, and copied to another PNG."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Chunk = tuple[bytes, bytes]

KEPT = (b"cHRM", b"cICP", b"eXIf", b"gAMA", b"iCCP", b"iTXt", b"pHYs", b"sRGB", b"tEXt", b"tIME", b"zTXt")
"""Chunks of metadata that are true of the denoised image too."""

_START, _HEADER_END = 8, 33
_INCH = 0.0254  # metres


def bit_depth(content: bytes) -> int:
    """Return the bits of a sample, 1 to 16, from the first chunk of a PNG."""
    return content[24]


def significant_bits(content: bytes) -> int | None:
    """Return the largest number of bits in the chunk sBIT; None if there is none."""
    return next((max(body) for kind, body in chunks(content) if kind == b"sBIT" and body), None)


def chunks(content: bytes) -> Iterator[Chunk]:
    """List the chunks of a PNG whose checksums have been verified, as kind and body."""
    place = _START
    while place < len(content):
        length, kind = struct.unpack_from(">L4s", content, place)
        yield kind, content[place + 8 : place + 8 + length]
        place += 12 + length


def encode_png(samples: np.ndarray, metadata: Iterable[Chunk] = ()) -> bytes:
    """Encode (H, W, C) samples of type uint8 or uint16, C 1 or 3, with chunks of metadata before them."""
    stored = samples[..., 0] if samples.shape[-1] == 1 else samples
    encoded = imagecodecs.png_encode(np.ascontiguousarray(stored))
    return bytes(
        encoded[:_HEADER_END] + b"".join(_joined(*chunk) for chunk in metadata) + encoded[_HEADER_END:]
    )


def metadata_chunks(
    *, profile: bytes | None, dpi: tuple[float, float] | None, exif: bytes
) -> Iterator[Chunk]:
    """Return the chunks for a colour profile, a resolution in dots per inch, and EXIF data."""
    if profile:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(profile)
    if dpi:
        yield b"pHYs", struct.pack(">LLB", *(round(each / _INCH) for each in dpi), 1)
    if exif:
        yield b"eXIf", exif


def _joined(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))
