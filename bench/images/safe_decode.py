"""Read and decode image files safely: only regular, intact files of a known format and limited size."""

from __future__ import annotations

import io
import os
import stat
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from bench.errors import InputError
from bench.images.limits import LARGEST_FILE, LARGEST_IMAGE, MOST_SCANS

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = ("BMP", "JPEG", "PNG", "WEBP")
"""The formats that Pillow decodes. It supports more; for one of them, EPS, it would start Ghostscript."""

FOREIGN = {
    b"GIF8": "GIF",
    b"P1": "Netpbm",
    b"P2": "Netpbm",
    b"P3": "Netpbm",
    b"P4": "Netpbm",
    b"P5": "Netpbm",
    b"P6": "Netpbm",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"SIMPLE": "FITS",
    b"\x89HDF": "HDF5",
    b"\x93NUMPY": "NumPy",
    b"v/1\x01": "OpenEXR",
    b"%!PS": "PostScript",
}
"""First bytes -> name, of formats that are refused by name."""

_JPEG, _SCAN = b"\xff\xd8", b"\xff\xda"


def read_regular_file(path: Path, *, where: str) -> bytes:
    """Read a regular file; refuse anything that could block or never end.

    Args:
        path: the file, or a link to it.
        where: name of the file in messages.

    Raises:
        InputError: if it cannot be read, is a folder, a device or a pipe, or is larger than ``LARGEST_FILE``.
    """
    size = regular_size(path, most=LARGEST_FILE, where=where)
    return read_start(path, size, where=where)


def read_start(path: Path, size: int, *, where: str) -> bytes:
    """Read the first bytes of a file that has been checked to be regular.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise InputError(f"{where}: cannot be read ({error.strerror or error})") from error


def regular_size(path: Path, *, most: int, where: str) -> int:
    """Return the size of a regular file in bytes.

    Raises:
        InputError: it does not exist, is a folder, a device or a pipe, or is larger than ``most``.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{where}: cannot be read ({error.strerror or error})") from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{where}: not a regular file, but a folder, a device or a pipe")
    if status.st_size > most:
        raise InputError(f"{where}: {status.st_size} bytes are too large; allowed: {most}")
    return status.st_size


def require_inside(path: Path, *roots: Path) -> None:
    """Check that a file is in a folder and that no link leads out of it; the folder itself may be a link.

    Args:
        path: the file.
        roots: folders; the file has to be inside one of them.

    Raises:
        InputError: it is outside; the message names the file and its target.
    """
    try:
        # Unlike Path.resolve, realpath raises no error for circular links: reading does.
        real = Path(os.path.realpath(path))
    except ValueError as error:
        raise InputError(f"{path}: not a path ({error})") from error
    if not any(real.is_relative_to(os.path.realpath(root)) for root in roots):
        raise InputError(
            f"{path}: leads to {real}, outside of {' and '.join(map(str, roots))}; put the file itself there"
        )


def decode_checked(content: bytes, *, where: str) -> Image.Image:
    """Check an image by its header, then decode it; images that are too large are never decoded.

    Args:
        content: content of the file.
        where: name of the file in messages.

    Raises:
        InputError: if it is not one of ``FORMATS``, has more than ``LARGEST_IMAGE`` pixels, several frames or
            more than ``MOST_SCANS`` scans, or is visibly cut off or damaged. PNG checksums are verified;
            damage in other formats may go unnoticed.
    """
    if not content:
        raise InputError(f"{where}: the file is empty (0 bytes)")
    if content.startswith(tuple(FOREIGN)):
        name = next(name for start, name in FOREIGN.items() if content.startswith(start))
        raise InputError(
            f"{where}: a {name} file; allowed: {', '.join(FORMATS)}, TIFF. Convert it to PNG or TIFF"
        )
    if content.startswith(_JPEG) and content.count(_SCAN) > MOST_SCANS:
        raise InputError(f"{where}: {content.count(_SCAN)} scans are too many; allowed: {MOST_SCANS}")
    header = open_header(content, where=where)
    require_size(*header.size, where=where)
    frames = getattr(header, "n_frames", 1)
    if frames > 1:
        raise InputError(f"{where}: holds {frames} frames; allowed: one")
    with naming_errors(where):
        # Pillow decodes a PNG without its checksums, and cannot decode an image that it has verified.
        header.verify()
        image = open_header(content, where=where)
        image.load()
    if image.mode in ("P", "PA") and image.palette is None:
        raise InputError(f"{where}: truncated or damaged (its palette is missing)")
    return image


def open_header(content: bytes, *, where: str) -> Image.Image:
    """Read the header of an image, without decoding it.

    Raises:
        InputError: it is not one of ``FORMATS``, or its header is damaged.
    """
    with naming_errors(where), warnings.catch_warnings():
        # Pillow warns about metadata, on which no pixel depends, or about a size that is checked afterwards.
        warnings.simplefilter("ignore")
        return Image.open(io.BytesIO(content), formats=FORMATS)


@contextmanager
def naming_errors(where: str) -> Iterator[None]:
    """Turn any decoder error on a damaged file into one that names the file.

    Raises:
        InputError: the error.
    """
    try:
        yield
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(
            f"{where}: not an image, or one with a damaged header; allowed: {', '.join(FORMATS)}, TIFF"
        ) from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{where}: too large, as a decompression bomb would be ({error})") from error
    except Exception as error:  # decoders do not document their errors on damaged files
        raise InputError(f"{where}: truncated or damaged ({type(error).__name__}: {error})") from error


def require_size(width: int, height: int, *, where: str) -> None:
    """Check that an image has at most ``LARGEST_IMAGE`` pixels.

    Raises:
        InputError: it has more.
    """
    if width * height > LARGEST_IMAGE:
        raise InputError(
            f"{where}: {height}x{width} pixels are too large, as a decompression bomb would be; "
            f"allowed: {LARGEST_IMAGE} pixels"
        )
