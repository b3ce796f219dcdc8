"""Copies of TIFF files: samples, pages, tags and metadata as in the original, in a lossless compression."""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile

from bench.images.formats.tiff_copy import COMPRESSIONS, WRITTEN
from bench.images.formats.tiff_pages import pages_of
from bench.images.image_file import open_image_file, write_copy
from tests.support.tiffs import draw_values, tiff_of

GREY = draw_values("uint16", (14, 17))
STACK = draw_values("uint16", (3, 14, 17))
COLOUR = draw_values("uint16", (14, 17, 3))
GREEN = np.zeros((3, 256), np.uint16)
GREEN[1] = np.arange(256) * 256


def copy_of(content, folder):
    """Write the images of a file to a copy of it, and return its content."""
    images = open_image_file(content, where="a.tif")
    write_copy(images, folder / "copy.tif", images)
    return (folder / "copy.tif").read_bytes()


def opened(content):
    return tifffile.TiffFile(io.BytesIO(content))


HYPERSTACK = {"axes": "TZCYX", "min": 3.0, "max": 900.0, "Labels": [f"plane {i}" for i in range(8)]}
FILES = {
    "plain": tiff_of(GREY),
    "inverted": tiff_of(GREY, photometric="miniswhite"),
    "signed": tiff_of(draw_values("int16", (14, 17))),
    "half floats": tiff_of(draw_values("float16", (14, 17))),
    "doubles": tiff_of(draw_values("float64", (14, 17)), compression="zlib", predictor=True),
    "12 bits": tiff_of(draw_values("uint16", (14, 17), bits=12), bitspersample=12),
    "12 bits, big-endian": tiff_of(
        iter([imagecodecs.packints_encode(draw_values("uint16", (14, 17), bits=12), 12, runlen=17)]),
        shape=(14, 17),
        dtype="uint16",
        bitspersample=12,
        writer={"byteorder": ">"},
    ),
    "12 bits in planes": tiff_of(
        draw_values("uint16", (3, 14, 17), bits=12),
        bitspersample=12,
        photometric="rgb",
        planarconfig="separate",
    ),
    "colour": tiff_of(COLOUR, photometric="rgb", compression="lzw"),
    "planes": tiff_of(np.moveaxis(COLOUR, -1, 0), photometric="rgb", planarconfig="separate"),
    "big-endian BigTIFF": tiff_of(
        STACK, photometric="minisblack", writer={"bigtiff": True, "byteorder": ">"}
    ),
    "volume": tiff_of(STACK, photometric="minisblack", volumetric=True),
    "tiles": tiff_of(draw_values("uint16", (40, 50)), tile=(16, 32), compression="zstd"),
    "turned": tiff_of(COLOUR, photometric="rgb", extratags=[(274, 3, 1, 6, True)]),
    "ImageJ": tiff_of(
        draw_values("uint16", (2, 2, 2, 14, 17)),
        writer={"imagej": True},
        metadata=HYPERSTACK,
        resolution=(5, 7),
    ),
    "ImageJ with a lookup table": tiff_of(
        draw_values("uint8", (14, 17)), writer={"imagej": True}, colormap=GREEN
    ),
    "OME": tiff_of(
        draw_values("uint16", (2, 3, 14, 17)),
        writer={"ome": True},
        photometric="minisblack",
        metadata={"axes": "TCYX", "PhysicalSizeX": 0.1, "Description": "µm"},
    ),
    "tags": tiff_of(
        GREY,
        resolution=((72, 7), (300, 1)),
        resolutionunit="CENTIMETER",
        iccprofile=bytes(range(200)),
        datetime="2026:01:02 03:04:05",
        description="a sample",
        software="a microscope",
        extratags=[(65000, 12, 2, (0.5, 1.5), True), (65001, 3, 3, (1, 2, 3), True), (315, 2, 0, "me", True)],
    ),
    "tags of every page": tiff_of(GREY, GREY[::-1], metadata=None, description="of a page"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_copy_has_everything_of_the_original(tmp_path, case):
    content = FILES[case]
    with opened(content) as original, opened(copy_of(content, tmp_path)) as copy:
        assert (copy.byteorder, copy.is_bigtiff, len(copy.pages)) == (
            *(original.byteorder, original.is_bigtiff, len(original.pages)),
        )
        assert [(each.kind, each.axes, each.shape, each.dtype) for each in copy.series] == [
            (each.kind, each.axes, each.shape, each.dtype) for each in original.series
        ]
        np.testing.assert_array_equal(copy.asarray(), original.asarray())
        assert (copy.imagej_metadata, copy.ome_metadata) == (original.imagej_metadata, original.ome_metadata)
    with opened(content) as original, opened((tmp_path / "copy.tif").read_bytes()) as copy:
        for ours, theirs in zip(pages_of(copy), pages_of(original), strict=True):
            assert tags(ours) == tags(theirs)
            assert (ours.bitspersample, ours.photometric) == (theirs.bitspersample, theirs.photometric)
            assert (ours.planarconfig, ours.imagedepth) == (theirs.planarconfig, theirs.imagedepth)


STORAGE = WRITTEN - {282, 283, 296, 320}


def tags(page):
    return [(tag.code, tag.dtype, str(tag.value)) for tag in page.tags if tag.code not in STORAGE]


@pytest.mark.parametrize("compression", [None, "lzw", "packbits", "zlib", "zstd", "jpeg2000"])
def test_the_compression_of_a_copy_is_one_that_every_reader_opens(tmp_path, compression):
    content = copy_of(tiff_of(GREY, compression=compression), tmp_path)
    with opened(content) as copy:
        common = {None: 1, "lzw": 5, "packbits": 32773}
        assert copy.pages.first.compression == common.get(compression, 8)
        assert set(COMPRESSIONS) == set(common.values())


def test_colours_that_were_converted_are_written_as_rgb(tmp_path):
    content = copy_of(tiff_of(COLOUR.astype(np.uint8), photometric="rgb", compression="jpeg"), tmp_path)
    with opened(content) as copy:
        assert (copy.pages.first.photometric, copy.pages.first.compression) == (2, 8)
        assert copy.asarray().shape == (14, 17, 3)


def test_the_planes_of_a_truncated_series_get_directories_of_their_own(tmp_path):
    content = tiff_of(STACK, photometric="minisblack", truncate=True, metadata={"axes": "ZYX"})
    with opened(copy_of(content, tmp_path)) as copy:
        assert (len(copy.pages), copy.series[0].axes) == (3, "ZYX")
        np.testing.assert_array_equal(copy.asarray(), STACK)
