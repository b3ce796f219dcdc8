"""Bounds on the directories of a TIFF, checked before a library parses them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from bench.errors import InputError
from bench.images.limits import LARGEST_FILE, MOST_ENTRIES, MOST_PAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""The first bytes of a TIFF and of a BigTIFF, in either byte order."""

_ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_ITEM_BYTES |= {16: 8, 17: 8, 18: 8}
_MOST_IN_ONE = 2**16 - 1  # limit for the directory of a classic TIFF


class _Layout:
    """Sizes and formats of the numbers in a TIFF or a BigTIFF."""

    def __init__(self, header: bytes) -> None:
        order = "<" if header.startswith(b"II") else ">"
        big = header[:4] in MAGIC[2:]
        self.offset = struct.Struct(order + ("Q" if big else "L"))
        self.number = struct.Struct(order + ("Q" if big else "H"))
        self.entry = struct.Struct(order + ("HHQ8x" if big else "HHL4x"))
        self.first = 8 if big else 4


def require_bounded(file: BinaryIO, *, size: int, where: str) -> int:
    """Count the directories of a TIFF and check that they and their entries are inside the file.

    Args:
        file: the opened file.
        size: its size in bytes.
        where: name of the file in messages.

    Returns:
        Number of directories, each of which is a page.

    Raises:
        InputError: if the directories form a circle, are too many or too large, or claim more bytes than the
            file has.
    """
    file.seek(0)
    layout = _Layout(header := file.read(16))
    (place,) = layout.offset.unpack_from(header, layout.first)
    seen: set[int] = set()
    entries = claimed = 0
    while place:
        if place in seen:
            raise InputError(f"{where}: truncated or damaged (its directories form a circle)")
        seen.add(place)
        place, kinds = _read_directory(file, place, layout, where)
        entries += len(kinds)
        claimed += sum(kinds)
        if len(seen) > MOST_PAGES or entries > MOST_ENTRIES:
            raise InputError(
                f"{where}: more than {MOST_PAGES} pages, or {MOST_ENTRIES} entries, are too many"
            )
        if claimed > min(size, LARGEST_FILE):
            raise InputError(f"{where}: truncated or damaged (its directory claims {claimed} bytes)")
    return len(seen)


def _read_directory(file: BinaryIO, place: int, layout: _Layout, where: str) -> tuple[int, list[int]]:
    """Return the place of the next directory, and the number of bytes of each entry's value."""
    file.seek(place)
    (number,) = layout.number.unpack(file.read(layout.number.size))
    if number > _MOST_IN_ONE:
        raise InputError(f"{where}: truncated or damaged (its directory claims too many entries)")
    content = file.read(number * layout.entry.size)
    (following,) = layout.offset.unpack(file.read(layout.offset.size))
    return following, list(_value_bytes(content, layout))


def _value_bytes(content: bytes, layout: _Layout) -> Iterator[int]:
    for _, kind, count in layout.entry.iter_unpack(content):
        yield _ITEM_BYTES.get(kind, 1) * count
