"""Read the images of a TIFF file, one at a time, and the ranges of values that its metadata state."""

from __future__ import annotations

import json
import math
import re
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from tifffile import PHOTOMETRIC

from bench.errors import InputError
from bench.images.formats.stored_images import StatedRange, StoredImages
from bench.images.formats.tiff_pages import form_of, open_pages, pages_of
from bench.images.formats.tiff_segments import decode_page, require_segments
from bench.images.limits import MOST_PAGES
from bench.images.safe_decode import naming_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tifffile import TiffFile, TiffPage

    from bench.images.formats.tiff_pages import PageForm

_SIGNIFICANT_BITS = re.compile(r'\bSignificantBits="(\d{1,2})"')
_MAX_SAMPLE_VALUE = 281


def open_tiff(source: Path | bytes, *, where: str) -> StoredImages:
    """Open a TIFF: pages, planes of a volume, and planes of an ImageJ or OME hyperstack are its images.

    Args:
        source: the file, or its content.
        where: name of the file in messages.

    Raises:
        InputError: as raised by ``open_pages`` and ``form_of``; or if the file lacks images that it claims.
    """
    with open_pages(source, where=where) as tif:
        form = form_of(tif, where=where)
        count = (planes_behind(tif, where=where) or len(tif.pages)) * form.size[0]
        if count > MOST_PAGES:
            raise InputError(f"{where}: {count} images are too many; allowed: {MOST_PAGES}")
        return StoredImages(
            where=where,
            source=source,
            container="TIFF",
            count=count,
            shape=form.shape,
            dtype=np.dtype("uint8" if form.converted else form.dtype),
            bits=8 if form.converted else form.bits,
            orientation=form.orientation,
            stated=() if form.converted else _stated(tif, form, where),
            notes=form.notes,
            decode=partial(_decode, source, where, form),
        )


def planes_behind(tif: TiffFile, *, where: str) -> int:
    """Count the planes behind the first of a file whose only directory describes a whole stack.

    ImageJ writes hyperstacks over 4 GB like that, and tifffile writes truncated series.

    Returns:
        The number of planes, the first included; 0 if each plane has its own directory.

    Raises:
        InputError: if they are not all in the file.
    """
    page = tif.pages.first
    with naming_errors(where):
        claimed = _claimed_planes(tif, page)
    if claimed <= len(tif.pages):
        return 0
    inside = page.is_contiguous and page.dataoffsets[0] + claimed * page.nbytes <= tif.filehandle.size
    if len(tif.pages) > 1 or not inside:
        raise InputError(f"{where}: truncated (it claims {claimed} images, but has {len(tif.pages)})")
    return claimed


def _claimed_planes(tif: TiffFile, page: TiffPage) -> int:
    if tif.is_imagej:
        metadata = tif.imagej_metadata or {}
        # The samples of a colour may be counted as channels and as images.
        dimensions = ("frames", "slices", *(("channels",) if page.samplesperpixel == 1 else ()))
        images: int = metadata.get("images", 1) if page.samplesperpixel == 1 else 1
        return max(images, math.prod(int(metadata.get(dimension, 1)) for dimension in dimensions))
    if page.shaped_description:
        series = json.loads(page.shaped_description)
        return math.prod(series["shape"]) // math.prod(page.shape) if series.get("truncated") else 1
    return 1


def _decode(source: Path | bytes, where: str, form: PageForm) -> Iterator[np.ndarray]:
    with open_pages(source, where=where) as tif:
        planes = planes_behind(tif, where=where)
        count = planes or len(tif.pages)
        for index in range(count):
            name = where if count == 1 else f"{where}, page {index + 1} of {count}"
            with naming_errors(name):
                page = pages_of(tif)[0 if planes else index]
                decoded = _plane(tif, page, index, name) if planes else decode_page(page, where=name)
            yield from form.to_images(decoded, page, where=name)


def _plane(tif: TiffFile, page: TiffPage, index: int, where: str) -> np.ndarray:
    """Read a plane behind the first of the only page."""
    require_segments(page, where=where)
    tif.filehandle.seek(page.dataoffsets[0] + index * page.nbytes)
    stored = np.dtype(tif.byteorder + np.dtype(page.dtype).char)
    plane = np.frombuffer(tif.filehandle.read(page.nbytes), stored)
    return plane.astype(page.dtype).reshape(page.shaped)


def _stated(tif: TiffFile, form: PageForm, where: str) -> tuple[StatedRange, ...]:
    with naming_errors(where):
        return tuple(_ranges(tif, form))


def _ranges(tif: TiffFile, form: PageForm) -> Iterator[StatedRange]:
    """Collect the ranges in the metadata; those of an inverted image are ranges of what is not inverted."""
    page = tif.pages.first
    if form.photometric != PHOTOMETRIC.MINISWHITE:
        if tif.is_imagej:
            yield from _imagej_ranges(tif)
        if tif.is_ome and (found := _SIGNIFICANT_BITS.search(page.description)):
            yield StatedRange(0, 2 ** int(found[1]) - 1, f"OME: {found[1]} significant bits")
    if form.packed:
        yield StatedRange(0, 2**form.bits - 1, f"{form.bits} bits per sample")
    most = page.tags.valueof(_MAX_SAMPLE_VALUE)
    most = most[0] if isinstance(most, tuple) else most
    # Other values than those of a bit depth are the brightest pixel's.
    if form.photometric != PHOTOMETRIC.MINISWHITE and most and (most & (most + 1)) == 0:
        yield StatedRange(0, most, f"TIFF: MaxSampleValue {most}")


def _imagej_ranges(tif: TiffFile) -> Iterator[StatedRange]:
    metadata = tif.imagej_metadata or {}
    ranges = metadata.get("Ranges") or (metadata.get("min", 0), metadata.get("max", 0))
    black, white = min(ranges[::2]), max(ranges[1::2])
    if black < white:
        yield StatedRange(float(black), float(white), "ImageJ: min and max of the display")
