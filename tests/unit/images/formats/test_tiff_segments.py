"""Strips and tiles: missing ones, short ones, and those that claim more pixels than their place has."""

import io
import struct

import numpy as np
import pytest
import tifffile

from bench.errors import InputError
from bench.images.formats.tiff_segments import COMPRESSIONS, require_honest
from bench.images.limits import MOST_SCANS
from tests.support import forged_images as forged
from tests.support.tiffs import draw_values, pixels_in, tiff_of

BYTES = draw_values("uint8", (40, 48))
CODECS = {"jpeg": "JPEG", "jpeg2000": "JPEG 2000", "jpegxl": "JPEG XL", "webp": "WebP"}


def segment_of(codec, pixels, **options):
    content = tiff_of(
        pixels, compression=codec, compressionargs=options, photometric="rgb", rowsperstrip=len(pixels)
    )
    with tifffile.TiffFile(io.BytesIO(content)) as tif:
        (place,), (length,) = tif.pages.first.dataoffsets, tif.pages.first.databytecounts
    return content[place : place + length]


SIZES = [(8, 8), (40, 48), (48, 40), (16, 300), (256, 256), (90, 160), (600, 400)]


@pytest.mark.parametrize("codec", CODECS)
def test_the_size_that_an_image_claims_is_that_of_its_header(codec):
    for height, width in SIZES:
        segment = segment_of(codec, np.zeros((height, width, 3), np.uint8))
        require_honest(segment, CODECS[codec], height=height, width=width, where="a.tif")
        for less in ((height - 1, width), (height, width - 1)):
            with pytest.raises(InputError, match=rf"a\.tif: damaged, or a .*bomb.*have {height}x{width}\)"):
                require_honest(segment, CODECS[codec], height=less[0], width=less[1], where="a.tif")


def test_a_jpeg_xl_in_boxes_claims_its_size_too():
    segment = segment_of("jpegxl", np.zeros((40, 48, 3), np.uint8), usecontainer=True)
    assert segment[4:8] == b"JXL "
    require_honest(segment, "JPEG XL", height=40, width=48, where="a.tif")
    with pytest.raises(InputError, match="40x48"):
        require_honest(segment, "JPEG XL", height=40, width=47, where="a.tif")


def test_the_size_of_a_jpeg_is_not_that_of_its_thumbnail():
    inner, outer = forged.jpeg(8, 8), forged.jpeg(800, 600)
    hidden = outer[:2] + b"\xff\xe1" + struct.pack(">H", len(inner) + 2) + inner + outer[2:]
    with pytest.raises(InputError, match="600x800"):
        require_honest(hidden, "JPEG", height=16, width=16, where="a.tif")


def test_a_jpeg_2000_of_many_components_is_not_decoded():
    segment = segment_of("jpeg2000", np.zeros((40, 48, 3), np.uint8))
    assert segment[40:42] == struct.pack(">H", 3)
    inflated = segment[:40] + struct.pack(">H", 16384) + segment[42:]
    with pytest.raises(ValueError, match="16384 components"):
        require_honest(inflated, "JPEG 2000", height=40, width=48, where="a.tif")


def test_a_jpeg_of_many_scans_is_refused():
    with pytest.raises(InputError, match=rf"scans are too many; allowed: {MOST_SCANS}"):
        require_honest(forged.jpeg(16, 16, scans=MOST_SCANS), "JPEG", height=16, width=16, where="a.tif")


@pytest.mark.parametrize("codec", CODECS)
def test_an_image_larger_than_its_strip_is_not_decoded(codec):
    content = bytearray(tiff_of(np.dstack([BYTES] * 3), compression=codec, photometric="rgb"))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as tif:
        place = tif.pages.first.tags["ImageWidth"].valueoffset
    content[place : place + 4] = struct.pack("<L", 32)
    with pytest.raises(InputError, match=r"a\.tif: damaged, or a decompression bomb.*40x48"):
        pixels_in(bytes(content))


def edited(tag, value, **options):
    """Write a file and overwrite the first item of a tag."""
    content = bytearray(tiff_of(BYTES, rowsperstrip=8, **options))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as tif:
        found = tif.pages.first.tags[tag]
    size = found.valuebytecount // found.count
    content[found.valueoffset : found.valueoffset + size] = value.to_bytes(size, "little")
    return bytes(content)


@pytest.mark.parametrize("options", [{}, {"compression": "lzw"}, {"compression": "zstd"}, {"tile": (16, 16)}])
@pytest.mark.parametrize("kind", ["Offsets", "ByteCounts"])
def test_an_image_without_one_of_its_strips_is_refused_and_not_black(kind, options):
    tag = ("Tile" if "tile" in options else "Strip") + kind
    with pytest.raises(
        InputError, match=r"a\.tif: truncated or damaged \(of \d+ strips or tiles, some are missing"
    ):
        pixels_in(edited(tag, 0, **options))


def test_a_strip_beyond_the_end_is_refused():
    with pytest.raises(InputError, match="a strip or tile reaches beyond the end"):
        pixels_in(edited("StripOffsets", 2**16 - 1))


@pytest.mark.parametrize("codec", ["lzw", "deflate", "lzma", "zstd", "packbits"])
def test_a_strip_that_ends_early_is_refused(codec):
    with pytest.raises(InputError, match=r"a\.tif: truncated or damaged"):
        pixels_in(edited("StripByteCounts", 20, compression=codec))


def test_samples_of_another_type_inside_are_refused():
    deep = tiff_of(draw_values("uint16", (40, 48)), compression="jpeg2000")
    with tifffile.TiffFile(io.BytesIO(deep)) as tif:
        place = tif.pages.first.tags["BitsPerSample"].valueoffset
    with pytest.raises(InputError, match=r"a\.tif: damaged \(its samples are not of the type uint8"):
        pixels_in(deep[:place] + b"\x08\x00" + deep[place + 2 :])


def test_the_names_are_those_of_tifffile():
    for value, name in COMPRESSIONS.items():
        said = tifffile.COMPRESSION(value).name.replace("ADOBE_", "").replace("APERIO_", "")
        assert said.split("_")[0].rstrip("0123456789") in name.upper().replace(" ", "")
