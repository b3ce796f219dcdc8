"""Write a TIFF with other images and all else of the original: pages, tags, metadata and byte order."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
from tifffile import PHOTOMETRIC, TiffWriter

from bench.images.formats.tiff_images import planes_behind
from bench.images.formats.tiff_pages import form_of, open_pages, pages_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tifffile import TiffFile, TiffPage, TiffTag

    from bench.images.formats.stored_images import StoredImages
    from bench.images.formats.tiff_pages import PageForm

COMPRESSIONS = {1: None, 5: "lzw", 32773: "packbits"}
"""Compressions that are kept; all others, lossy ones among them, become deflate, which every reader opens."""

WRITTEN = {254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 282, 283, 284, 296, 317, 320, 322, 323, 324}
WRITTEN |= {325, 330, 338, 339, 347, *range(512, 522), *range(529, 533), 32997, 32998, 34665, 34853, 40965}
"""Tags that describe how the samples are stored, which the writer sets; directories apart are not copied."""

_DESCRIPTION = 270
_LARGEST_CLASSIC = 2**32 - 2**25  # bytes of samples; offsets have 32 bits, and the tags need some


def write_tiff_copy(images: StoredImages, path: Path, denoised: Iterator[np.ndarray]) -> None:
    """Write a TIFF of the same pages with other images.

    Args:
        images: images of the original.
        path: the new file.
        denoised: one image for each of the original's, (H, W, C) of its type.

    Raises:
        InputError: as raised by opening the original.
    """
    with open_pages(images.source, where=images.where) as tif:
        form = form_of(tif, where=images.where)
        planes = planes_behind(tif, where=images.where)
        pages = [tif.pages.first] * planes if planes else pages_of(tif)
        big = tif.is_bigtiff or _is_large(images)
        with TiffWriter(path, bigtiff=big, byteorder=tif.byteorder, ome=False, shaped=False) as writer:
            for number, page in enumerate(pages):
                samples = form.from_images(list(islice(denoised, form.size[0])))
                first = number == 0 or not planes
                tags = _tags(tif, page) if first else ()
                writer.write(**_data(samples, form), **_storage(page, form), extratags=tags)


def _data(samples: np.ndarray, form: PageForm) -> dict[str, Any]:
    """Return samples as arguments of tifffile, which would pack big-endian ones wrongly."""
    if not form.packed:
        return {"data": samples}
    contiguous = 1 if form.planar else form.shape[2]
    strips = samples.reshape(-1, form.size[1] * form.size[2] * contiguous)
    packed = (
        imagecodecs.packints_encode(strip, form.bits, runlen=form.size[2] * contiguous) for strip in strips
    )
    return {"data": packed, "shape": samples.shape, "dtype": samples.dtype}


def _is_large(images: StoredImages) -> bool:
    return len(images) * int(np.prod(images.shape)) * images.dtype.itemsize > _LARGEST_CLASSIC


def _storage(page: TiffPage, form: PageForm) -> dict[str, Any]:
    """Return how the samples of a page are stored, as arguments of tifffile."""
    storage: dict[str, Any] = {
        "photometric": PHOTOMETRIC.RGB if form.converted else form.photometric,
        "planarconfig": ("separate" if form.planar else "contig") if form.shape[2] > 1 else None,
        "compression": None if form.packed else COMPRESSIONS.get(page.compression, "zlib"),
        "bitspersample": form.bits if form.packed else None,
        "volumetric": form.size[0] > 1,
        "colormap": page.colormap if form.lut else None,
        "subfiletype": page.subfiletype or None,
        "software": False,
        "metadata": None,
    }
    if 282 in page.tags and 283 in page.tags:
        storage["resolution"] = (page.tags[282].value, page.tags[283].value)
        storage["resolutionunit"] = page.tags.valueof(296, default=2)
    return storage


def _tags(tif: TiffFile, page: TiffPage) -> list[tuple[int, int, int, Any, bool]]:
    """Return the tags of a page to copy, with their bytes as stored."""
    return [_copied(tif, page, tag) for tag in page.tags if tag.code not in WRITTEN]


def _copied(tif: TiffFile, page: TiffPage, tag: TiffTag) -> tuple[int, int, int, Any, bool]:
    tif.filehandle.seek(tag.valueoffset)
    value = tif.filehandle.read(tag.valuebytecount)
    if tag.code == _DESCRIPTION and page.is_shaped and tag.value == page.shaped_description:
        value = _untruncated(tag.value)
    return tag.code, int(tag.dtype), tag.count, value, False


def _untruncated(description: str) -> bytes:
    """Describe a series whose planes no longer follow one directory, but have one each."""
    metadata = json.loads(description)
    return json.dumps({name: value for name, value in metadata.items() if name != "truncated"}).encode()
