"""Kinds of TIFF pages: which are read as which images, and which are refused by name."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from bench.errors import InputError
from bench.images.formats.tiff_pages import FOREIGN, SAMPLES, form_of, open_pages, pages_of
from bench.images.image_file import open_image_file
from bench.images.limits import LARGEST_TIFF
from tests.support import forged_images as forged
from tests.support.tiffs import draw_values, pixels_in, tiff_of

GREY = draw_values("uint16", (14, 17))
COLOUR = draw_values("uint8", (14, 17, 3))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int16"])
def test_inverted_grey_is_inverted(dtype):
    stored = draw_values(dtype, (14, 17))
    (image,) = pixels_in(tiff_of(stored, photometric="miniswhite"))
    limits = np.iinfo(dtype)
    np.testing.assert_array_equal(
        image[..., 0].astype(np.int64), limits.max - (stored - np.int64(limits.min))
    )


def test_inverted_grey_of_12_bits_has_12_bits():
    stored = draw_values("uint16", (14, 17), bits=12)
    (image,) = pixels_in(tiff_of(stored, photometric="miniswhite", bitspersample=12))
    np.testing.assert_array_equal(image[..., 0], 4095 - stored)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_colour_is_the_same_in_planes_and_in_pixels(planar, dtype):
    colour = draw_values(dtype, (14, 17, 3))
    stored = np.moveaxis(colour, -1, 0) if planar == "separate" else colour
    (image,) = pixels_in(tiff_of(stored, photometric="rgb", planarconfig=planar))
    np.testing.assert_array_equal(image, colour)


def test_opaque_alpha_is_dropped_and_transparency_refused():
    opaque = np.dstack([COLOUR, np.full((14, 17), 255, np.uint8)])
    images = open_image_file(tiff_of(opaque, photometric="rgb", extrasamples=["unassalpha"]), where="a.tif")
    np.testing.assert_array_equal(next(iter(images)), COLOUR)
    assert images.notes == ("fully opaque alpha channel dropped",)
    opaque[2, 3, 3] = 9
    with pytest.raises(InputError, match=r"a\.tif: transparent \(alpha down to 9"):
        pixels_in(tiff_of(opaque, photometric="rgb", extrasamples=["unassalpha"]))


def saved_by_pillow(image, **options):
    content = io.BytesIO()
    image.save(content, "tiff", **options)
    return content.getvalue()


def test_a_palette_is_converted_as_pillow_does():
    palette = Image.fromarray(COLOUR).quantize(16)
    images = open_image_file(saved_by_pillow(palette), where="a.tif")
    np.testing.assert_array_equal(next(iter(images)), np.asarray(palette.convert("RGB")))
    assert images.notes == ("palette converted to RGB",)


def test_cmyk_is_converted_as_pillow_does():
    cmyk = Image.fromarray(COLOUR).convert("CMYK")
    images = open_image_file(saved_by_pillow(cmyk), where="a.tif")
    np.testing.assert_array_equal(next(iter(images)), np.asarray(cmyk.convert("RGB")))
    assert images.notes == ("CMYK converted to RGB",)


def test_the_lookup_table_of_imagej_is_no_palette():
    green = np.zeros((3, 256), np.uint16)
    green[1] = np.arange(256) * 256
    stored = draw_values("uint8", (14, 17))
    content = tiff_of(stored, writer={"imagej": True}, colormap=green)
    with tifffile.TiffFile(io.BytesIO(content)) as tif:
        assert tif.pages.first.photometric == tifffile.PHOTOMETRIC.PALETTE
    images = open_image_file(content, where="a.tif")
    np.testing.assert_array_equal(next(iter(images))[..., 0], stored)
    assert images.notes == ()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_pages_are_turned_upright(orientation):
    content = tiff_of(COLOUR, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]
    np.testing.assert_array_equal(pixels_in(content)[0], np.rot90(COLOUR, turns))


def with_subifd():
    content = io.BytesIO()
    with tifffile.TiffWriter(content) as file:
        file.write(GREY, subifds=1)
        file.write(GREY[::2, ::2], subfiletype=1)
    return content.getvalue()


GREY_TAG, PALETTE_TAG = (struct.pack("<HHLL", 262, 4, 1, kind) for kind in (1, 3))
NO_PALETTE = forged.tiff(4, 4).replace(GREY_TAG, PALETTE_TAG)

BAD_FILES = {
    "two channels": (
        tiff_of(np.dstack([GREY] * 2), photometric="minisblack", planarconfig="contig"),
        "2 channels in one MINISBLACK",
    ),
    "three grey channels": (
        tiff_of(COLOUR, photometric="minisblack", planarconfig="contig"),
        "3 channels in one MINISBLACK",
    ),
    "planar channels": (
        tiff_of(np.stack([GREY] * 2), photometric="minisblack", planarconfig="separate"),
        "2 channels in one MINISBLACK page; allowed: grey or RGB. Save each channel",
    ),
    "five channels": (
        tiff_of(np.dstack([COLOUR, COLOUR[..., :2]]), photometric="rgb"),
        "5 channels in one RGB",
    ),
    "colour and a channel": (
        tiff_of(np.dstack([COLOUR, COLOUR[..., :1]]), photometric="rgb", extrasamples=[0]),
        "4 channels in one RGB",
    ),
    "1 bit": (tiff_of(GREY > 99), "1-bit bool samples; allowed: uint8"),
    "4 bits": (tiff_of(COLOUR[..., 0] >> 4, bitspersample=4), "4-bit uint8 samples"),
    "64 bits": (tiff_of(GREY.astype(np.uint64)), "64-bit uint64 samples"),
    "complex": (tiff_of(GREY.astype(np.complex64)), "64-bit complex64 samples"),
    "inverted floats": (
        tiff_of(GREY.astype(np.float32), photometric="miniswhite"),
        "float32 samples of MINISW",
    ),
    "lab": (tiff_of(COLOUR, photometric="cielab"), "interpretation CIELAB is not supported; allowed: MINISW"),
    "raw": (tiff_of(GREY, photometric="cfa"), "interpretation CFA is not supported"),
    "YCbCr": (tiff_of(COLOUR, photometric="ycbcr"), "uint8 samples of YCBCR with compression none"),
    "deep CMYK": (tiff_of(np.dstack([GREY] * 4), photometric="separated"), "uint16 samples of SEPARATED"),
    "png inside": (tiff_of(GREY, compression="png"), "compression PNG is not supported; allowed: none, LZW"),
    "lerc": (tiff_of(GREY, compression="lerc"), "compression LERC is not supported"),
    "orientation 9": (tiff_of(GREY, extratags=[(274, 3, 1, 9, True)]), "orientation 9; allowed: 1 to 8"),
    "a smaller page": (tiff_of(GREY, GREY[:7], metadata=None), "page 2 differs from the first in size"),
    "a page of another type": (tiff_of(GREY, COLOUR[..., 0], metadata=None), "page 2 differs"),
    "a thumbnail": (tiff_of(GREY, subfiletype=1), "holds reduced copies or masks"),
    "a pyramid": (with_subifd(), "holds reduced copies or masks"),
    "mdgel": (forged.tiff(16, 16, more=33445), "a TIFF of the kind mdgel; allowed: plain, ImageJ and OME"),
    "too wide": (forged.tiff(60_000, 60_000), "60000x60000 pixels are too large"),
    "a huge tile": (forged.tiff(64, 64, tile=(40_000, 40_000)), "too large"),
    "no pixels": (forged.tiff(0, 16), "an image without pixels"),
    "no page": (b"II*\0\0\0\0\0" + bytes(16), "truncated or damaged"),
    "no palette": (NO_PALETTE, "truncated or damaged (its palette is missing)"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_other_files_are_refused_by_name(case):
    content, reason = BAD_FILES[case]
    with pytest.raises(InputError) as refused:
        pixels_in(content)
    assert str(refused.value).startswith("a.tif: ")
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_form_of_a_page_is_what_it_stores():
    with open_pages(tiff_of(np.stack([COLOUR] * 2), photometric="rgb"), where="a.tif") as tif:
        form = form_of(tif, where="a.tif")
        assert len(pages_of(tif)) == 2
    assert (form.size, form.samples, form.planar, form.bits) == ((1, 14, 17), 3, False, 8)
    assert set(SAMPLES.values()) == {1, 3, 4}


def test_tifffile_knows_the_kinds_that_are_refused():
    with tifffile.TiffFile(io.BytesIO(tiff_of(GREY))) as tif:
        assert {kind: getattr(tif, f"is_{kind}") for kind in FOREIGN} == dict.fromkeys(FOREIGN, False)


def test_an_endless_file_is_not_opened(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_of(GREY))
    with path.open("r+b") as file:
        file.truncate(LARGEST_TIFF + 1)
    with pytest.raises(InputError, match=rf"a\.tif: {LARGEST_TIFF + 1} bytes are too large"):
        open_image_file(path)
