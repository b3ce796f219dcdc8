"""Open image files of any format, and write denoised copies as the originals came."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL.ExifTags import Base

from bench.errors import InputError
from bench.images.formats.pillow_images import open_single
from bench.images.formats.png_chunks import KEPT, chunks, encode_png, metadata_chunks
from bench.images.formats.stored_images import as_stored
from bench.images.formats.tiff_copy import write_tiff_copy
from bench.images.formats.tiff_directories import MAGIC
from bench.images.formats.tiff_images import open_tiff
from bench.images.limits import LARGEST_TIFF
from bench.images.safe_decode import open_header, read_regular_file, read_start, regular_size
from bench.system.files import NEW

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np

    from bench.images.formats.stored_images import StoredImages

_TIFF_SUFFIXES = (".ome.tif", ".ome.tiff", ".tif", ".tiff", ".btf", ".tf2", ".tf8", ".lsm")


def open_image_file(source: Path | bytes, *, where: str = "") -> StoredImages:
    """Open an image file; its content decides the format, not its name.

    Args:
        source: a BMP, JPEG, PNG, TIFF or WebP file, or its content.
        where: name of the file in messages; by default its path.

    Raises:
        InputError: as raised by ``open_tiff`` and ``open_single``.
    """
    where = where or str(source)
    if _starts_as_tiff(source, where):
        return open_tiff(source, where=where)
    content = read_regular_file(source, where=where) if isinstance(source, Path) else source
    return open_single(source, content, where=where)


def _starts_as_tiff(source: Path | bytes, where: str) -> bool:
    if isinstance(source, bytes):
        return source.startswith(MAGIC)
    regular_size(source, most=LARGEST_TIFF, where=where)
    return read_start(source, 4, where=where) in MAGIC


def output_name(path: Path) -> str:
    """Return the name of the denoised copy of a file.

    TIFF and PNG keep their format: ``a.png`` gives ``a_denoised.png``. Other formats become PNG: ``a.jpg``
    gives ``a_jpg_denoised.png``, so that it does not replace the copy of ``a.png`` in the same folder.

    Raises:
        InputError: the file cannot be read.
    """
    tiff = _starts_as_tiff(path, str(path))
    for suffix in _TIFF_SUFFIXES if tiff else (".png",):
        if path.name.lower().endswith(suffix):
            return f"{path.name[: -len(suffix)]}_denoised{path.name[-len(suffix) :]}"
    stem = f"{path.stem}_{path.suffix[1:]}" if path.suffix else path.stem
    return f"{stem}_denoised{'.tif' if tiff else '.png'}"


def write_copy(images: StoredImages, path: Path, denoised: Iterable[np.ndarray]) -> None:
    """Write a file with other images of the same shape and type, and with the metadata of the original.

    Args:
        images: images of the original.
        path: the file; it is complete, or not there.
        denoised: one image for each of the original's, (H, W, C) of its type; read one at a time.

    Raises:
        InputError: the file cannot be written; or as raised by reading ``denoised``.
    """
    with replacing(path) as beside:
        if images.container == "TIFF":
            write_tiff_copy(images, beside, iter(denoised))
        else:
            (pixels,) = denoised
            beside.write_bytes(_png_copy(images, pixels))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file beside its place, flush it and move it there; after an error nothing is left.

    Raises:
        InputError: it cannot be written.
    """
    beside = path.with_name(path.name + NEW)
    try:
        yield beside
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        beside.unlink(missing_ok=True)


def _png_copy(images: StoredImages, pixels: np.ndarray) -> bytes:
    """Encode an image as a PNG with the metadata of a file, turned as there if it is a PNG, else upright."""
    source, where = images.source, images.where
    content = read_regular_file(source, where=where) if isinstance(source, Path) else source
    if images.container == "PNG":
        stored = as_stored(pixels, images.orientation)
        return encode_png(stored, [chunk for chunk in chunks(content) if chunk[0] in KEPT])
    header = open_header(content, where=where)
    exif = header.getexif()
    exif.pop(Base.Orientation, None)
    metadata = metadata_chunks(
        profile=header.info.get("icc_profile"),
        dpi=header.info.get("dpi"),
        exif=exif.tobytes().removeprefix(b"Exif\0\0") if len(exif) else b"",
    )
    return encode_png(pixels, metadata)
