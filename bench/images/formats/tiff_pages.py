"""Open TIFF files: which pages are read, and how their samples become images and back."""

from __future__ import annotations

import io
import logging
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from PIL import Image
from tifffile import COMPRESSION, PHOTOMETRIC, TiffFile

from bench.errors import InputError
from bench.images.formats.stored_images import SAMPLE_TYPES, as_stored, drop_alpha, upright
from bench.images.formats.tiff_directories import require_bounded
from bench.images.formats.tiff_segments import COMPRESSIONS
from bench.images.limits import LARGEST_TIFF
from bench.images.safe_decode import naming_errors, regular_size, require_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tifffile import TiffPage

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it logs about damaged files is checked here

SAMPLES = {
    PHOTOMETRIC.MINISWHITE: 1,
    PHOTOMETRIC.MINISBLACK: 1,
    PHOTOMETRIC.RGB: 3,
    PHOTOMETRIC.PALETTE: 1,
    PHOTOMETRIC.SEPARATED: 4,
    PHOTOMETRIC.YCBCR: 3,
}
"""The photometric interpretations that are read, and how many samples make one of their colours."""

FOREIGN = ("lsm", "stk", "mdgel", "eer", "ndpi")
"""Kinds of TIFF that keep images elsewhere than in plain pages, or not as intensities."""

_JPEG = 7
_ALPHA = (1, 2)
_SEPARATE = 2


@dataclass(frozen=True)
class PageForm:
    """How a page stores its images; the same for all pages of a file.

    Args:
        size: depth, height and width, as stored. A page deeper than 1 is a volume of that many images.
        samples: samples of a pixel, alpha included.
        planar: whether samples are stored in separate planes.
        dtype: name of the type of the samples.
        bits: bits of a sample.
        photometric: meaning of the samples.
        alpha: whether the last sample is alpha.
        orientation: 1 to 8.
        lut: whether a palette only colours the display, as in ImageJ, so that its indices are intensities.
    """

    size: tuple[int, int, int]
    samples: int
    planar: bool
    dtype: str
    bits: int
    photometric: PHOTOMETRIC
    alpha: bool
    orientation: int
    lut: bool

    @property
    def converted(self) -> bool:
        """Whether stored colours are converted to RGB, so that they cannot be written back as they came."""
        return self.photometric in (PHOTOMETRIC.SEPARATED, PHOTOMETRIC.YCBCR) or (
            self.photometric == PHOTOMETRIC.PALETTE and not self.lut
        )

    @property
    def packed(self) -> bool:
        """Whether samples have fewer bits than their type, without gaps between them."""
        return not self.converted and self.bits < np.dtype(self.dtype).itemsize * 8

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of each image, upright."""
        _, height, width = self.size
        channels = 3 if self.converted or self.photometric == PHOTOMETRIC.RGB else 1
        return (width, height, channels) if self.orientation > 4 else (height, width, channels)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is converted or dropped."""
        names = {PHOTOMETRIC.SEPARATED: "CMYK", PHOTOMETRIC.YCBCR: "YCbCr", PHOTOMETRIC.PALETTE: "palette"}
        colours = (f"{names[self.photometric]} converted to RGB",) if self.converted else ()
        return (*colours, "fully opaque alpha channel dropped") if self.alpha else colours

    def to_images(self, decoded: np.ndarray, page: TiffPage, *, where: str) -> Iterator[np.ndarray]:
        """Turn the samples of a page (separate, depth, height, width, contiguous) into images (H, W, C)."""
        for plane in decoded.swapaxes(0, 1):
            pixels = np.moveaxis(plane, 0, 2).reshape(*self.size[1:], self.samples)
            if self.alpha:
                pixels = drop_alpha(pixels, largest=2**self.bits - 1, where=where)
            yield np.ascontiguousarray(upright(self._to_intensities(pixels, page), self.orientation))

    def from_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Turn the images of a page back into its samples: ([depth,] height, width[, channels]) or planar."""
        stored = np.stack([as_stored(image, self.orientation) for image in images])
        if self.photometric == PHOTOMETRIC.MINISWHITE:
            stored = self._inverted(stored)
        if stored.shape[-1] == 1:
            stored = stored[..., 0]
        elif self.planar:
            stored = np.moveaxis(stored, -1, 0)
        return np.ascontiguousarray(stored if self.size[0] > 1 else stored.reshape(self._flat(stored.shape)))

    def _flat(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Remove the depth of 1 from a shape."""
        depth = 1 if self.planar and len(shape) == 4 else 0
        return shape[:depth] + shape[depth + 1 :]

    def _to_intensities(self, pixels: np.ndarray, page: TiffPage) -> np.ndarray:
        match self.photometric:
            case PHOTOMETRIC.MINISWHITE:
                return self._inverted(pixels)
            case PHOTOMETRIC.SEPARATED:
                return np.asarray(Image.fromarray(np.ascontiguousarray(pixels), "CMYK").convert("RGB"))
            case PHOTOMETRIC.PALETTE if not self.lut:
                colours = np.asarray(page.colormap) // 256
                return np.ascontiguousarray(colours.T.astype(np.uint8)[pixels[..., 0]])
        return pixels

    def _inverted(self, pixels: np.ndarray) -> np.ndarray:
        return ~pixels if pixels.dtype.kind == "i" else np.array(2**self.bits - 1, pixels.dtype) - pixels


@contextmanager
def open_pages(source: Path | bytes, *, where: str) -> Iterator[TiffFile]:
    """Open a TIFF whose directories are within the limits.

    Raises:
        InputError: it cannot be read, is damaged, exceeds the limits, or is of a ``FOREIGN`` kind.
    """
    with ExitStack() as opened:
        with naming_errors(where):
            if isinstance(source, Path):
                size = regular_size(source, most=LARGEST_TIFF, where=where)
                file: BinaryIO = opened.enter_context(source.open("rb"))
            else:
                size, file = len(source), io.BytesIO(source)
            require_bounded(file, size=size, where=where)
            file.seek(0)
            tif = opened.enter_context(TiffFile(file, _multifile=False))
            kinds = [kind for kind in FOREIGN if getattr(tif, f"is_{kind}")]
        if kinds:
            raise InputError(f"{where}: a TIFF of the kind {kinds[0]}; allowed: plain, ImageJ and OME")
        yield tif


def pages_of(tif: TiffFile) -> Sequence[TiffPage]:
    """Return the pages, each with its own tags, parsed when it is asked for."""
    tif.pages.useframes = False
    return cast("Sequence[TiffPage]", tif.pages)


def form_of(tif: TiffFile, *, where: str) -> PageForm:
    """Return the form that all pages of a file have.

    Raises:
        InputError: if a page is of a kind that is not read, or the pages differ.
    """
    with naming_errors(where):
        forms = [_form(page, lut=tif.is_imagej, where=where) for page in pages_of(tif)]
    if not forms:
        raise InputError(f"{where}: truncated or damaged (it has no pages)")
    for number, form in enumerate(forms, start=1):
        if form != forms[0]:
            raise InputError(
                f"{where}: page {number} differs from the first in size, type or colours; "
                "allowed: pages of one kind"
            )
    return forms[0]


def _form(page: TiffPage, *, lut: bool, where: str) -> PageForm:
    if page.subifds or page.subfiletype & 0b101:
        raise InputError(f"{where}: holds reduced copies or masks beside its images; allowed: images alone")
    _require_size(page, where)
    if page.compression not in COMPRESSIONS:
        raise InputError(
            f"{where}: compression {_name(COMPRESSION, page.compression)} is not supported; "
            f"allowed: {', '.join(dict.fromkeys(COMPRESSIONS.values()))}"
        )
    if page.photometric not in SAMPLES:
        known = ", ".join(photometric.name for photometric in SAMPLES)
        raise InputError(
            f"{where}: photometric interpretation {_name(PHOTOMETRIC, page.photometric)} is not supported; "
            f"allowed: {known}"
        )
    dtype = _require_type(page, where)
    lut = lut and page.photometric == PHOTOMETRIC.PALETTE
    return PageForm(
        size=(page.imagedepth, page.imagelength, page.imagewidth),
        samples=page.samplesperpixel,
        planar=page.planarconfig == _SEPARATE and page.samplesperpixel > 1,
        dtype=dtype.name,
        bits=page.bitspersample,
        photometric=PHOTOMETRIC(page.photometric),
        alpha=_has_alpha(page, where),
        orientation=_orientation(page, where),
        lut=lut,
    )


def _require_size(page: TiffPage, where: str) -> None:
    if 0 in page.shaped:
        raise InputError(f"{where}: an image without pixels")
    # A tile is decoded whole, even if only a small part of it is inside the image.
    depth, height, width = (
        -(-length // tile) * tile if page.is_tiled else length
        for length, tile in (
            (page.imagedepth, page.tiledepth),
            (page.imagelength, page.tilelength),
            (page.imagewidth, page.tilewidth),
        )
    )
    require_size(width, height * depth, where=where)


def _require_type(page: TiffPage, where: str) -> np.dtype[Any]:
    dtype, bits = page.dtype or np.dtype("V"), page.bitspersample
    kind = "unknown" if page.dtype is None else dtype.name
    whole = kind in SAMPLE_TYPES and isinstance(bits, int)
    if whole and page.photometric == PHOTOMETRIC.PALETTE:
        allowed = kind == "uint8" or (kind == "uint16" and bits == 16)
    else:
        allowed = whole and bits >= 8 and (kind.startswith("uint") or bits == dtype.itemsize * 8)
    if not allowed:
        raise InputError(
            f"{where}: {bits}-bit {kind} samples; allowed: {', '.join(SAMPLE_TYPES)}, of 8 bits or more"
        )
    if page.photometric == PHOTOMETRIC.PALETTE and page.colormap is None:
        raise InputError(f"{where}: truncated or damaged (its palette is missing)")
    inverted_floats = page.photometric == PHOTOMETRIC.MINISWHITE and kind.startswith("float")
    unscaled = page.photometric == PHOTOMETRIC.YCBCR and page.compression != _JPEG
    cmyk = page.photometric == PHOTOMETRIC.SEPARATED and (kind != "uint8" or page.compression == _JPEG)
    if inverted_floats or unscaled or cmyk:
        raise InputError(
            f"{where}: {kind} samples of {PHOTOMETRIC(page.photometric).name} with compression "
            f"{COMPRESSIONS[page.compression]} are not supported; convert it to grey or RGB"
        )
    return dtype


def _has_alpha(page: TiffPage, where: str) -> bool:
    """Check the number of samples; one more than the colours need may be alpha."""
    needed = SAMPLES[PHOTOMETRIC(page.photometric)]
    if page.samplesperpixel == needed:
        return False
    stated = page.extrasamples and page.extrasamples[0] in _ALPHA
    if page.samplesperpixel == needed + 1 and stated and page.sampleformat == 1:
        return True
    raise InputError(
        f"{where}: {page.samplesperpixel} channels in one {PHOTOMETRIC(page.photometric).name} page; "
        "allowed: grey or RGB. Save each channel as a page of its own, or as a file"
    )


def _orientation(page: TiffPage, where: str) -> int:
    orientation = page.tags.valueof(274, default=1)
    if orientation not in range(1, 9):
        raise InputError(f"{where}: orientation {orientation!r}; allowed: 1 to 8")
    return int(orientation)


def _name(known: type[COMPRESSION | PHOTOMETRIC], value: int) -> str:
    return known(value).name if value in set(known) else str(value)
