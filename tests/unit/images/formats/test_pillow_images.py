"""Files of one image: samples, colours, transparency, orientation and what is refused."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.errors import InputError
from bench.images.formats.pillow_images import open_single
from bench.images.formats.png_chunks import encode_png
from tests.support.forged_images import png
from tests.support.tiffs import draw_values

COLOUR = draw_values("uint8", (14, 17, 3))
GREY = COLOUR[..., 0].copy()
ALPHA = np.full((14, 17), 255, np.uint8)


def saved(image, kind="png", **options):
    content = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(content, kind, **options)
    return content.getvalue()


def read(content):
    images = open_single(content, content, where="a.file")
    return next(iter(images)), images


@pytest.mark.parametrize(("kind", "options"), [("png", {}), ("bmp", {}), ("webp", {"lossless": True})])
def test_colour_is_read_exactly(kind, options):
    image, images = read(saved(COLOUR, kind, **options))
    np.testing.assert_array_equal(image, COLOUR)
    assert (images.container, images.shape, images.notes) == (kind.upper(), (14, 17, 3), ())


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_are_kept_where_pillow_cannot(channels):
    deep = draw_values("uint16", (14, 17, channels))
    image, images = read(encode_png(deep))
    np.testing.assert_array_equal(image, deep)
    assert (images.bits, images.largest) == (16, 65535)


def test_jpeg_is_read_as_pillow_reads_it():
    content = saved(COLOUR, "jpeg")
    np.testing.assert_array_equal(read(content)[0], np.asarray(Image.open(io.BytesIO(content))))


CONVERTED = {
    "palette": (Image.fromarray(COLOUR).quantize(16), "png", "palette converted to RGB"),
    "CMYK": (Image.fromarray(COLOUR).convert("CMYK"), "jpeg", "CMYK converted to RGB"),
    "alpha": (np.dstack([COLOUR, ALPHA]), "png", "fully opaque alpha channel dropped"),
}


@pytest.mark.parametrize("case", CONVERTED)
def test_conversions_are_noted(case):
    original, kind, note = CONVERTED[case]
    content = saved(original, kind)
    image, images = read(content)
    np.testing.assert_array_equal(image, np.asarray(Image.open(io.BytesIO(content)).convert("RGB")))
    assert images.notes == (note,)


def test_grey_with_opaque_alpha_stays_grey():
    image, images = read(saved(Image.fromarray(GREY).convert("LA")))
    np.testing.assert_array_equal(image[..., 0], GREY)
    assert images.notes == ("fully opaque alpha channel dropped",)


def test_opaque_alpha_of_16_bits_is_dropped():
    deep = draw_values("uint16", (14, 17, 4))
    deep[..., 3] = 65535
    np.testing.assert_array_equal(read(encode_png(deep))[0], deep[..., :3])
    deep[3, 4, 3] = 65534
    with pytest.raises(InputError, match=r"transparent \(alpha down to 65534 of 65535\)"):
        read(encode_png(deep))


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_photographs_are_turned_upright(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(COLOUR, kind, exif=exif)
    np.testing.assert_array_equal(read(content)[0], np.rot90(np.asarray(Image.open(io.BytesIO(content))), 3))


def test_significant_bits_of_a_png_are_stated():
    content = encode_png(draw_values("uint16", (14, 17, 1), bits=12), [(b"sBIT", b"\x0c")])
    assert read(content)[1].stated == ((0, 4095, "PNG: 12 significant bits"),)
    assert read(encode_png(GREY[..., None], [(b"sBIT", b"\x05")]))[1].stated == ()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(COLOUR, exif=exif)


BAD_FILES = {
    "alpha": (saved(np.dstack([COLOUR, ALPHA - 9])), r"transparent \(alpha down to 246 of 255\)"),
    "colour key": (saved(GREY, transparency=int(GREY[3, 4])), "transparent"),
    "deep colour key": (
        encode_png(draw_values("uint16", (14, 17, 1)), [(b"tRNS", b"\0\1")]),
        "transparent by a colour key",
    ),
    "1 bit": (saved(GREY > 99), "1-bit samples; allowed: 8 or 16 bits"),
    "1 bit bmp": (saved(GREY > 99, "bmp"), "1-bit samples"),
    "4 bits": (png(12, 12, bits=4, rows=bytes(12 * 7)), "4-bit samples"),
    "orientation 9": (turned(9), "orientation 9; allowed: 1 to 8"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_other_files_are_refused_by_name(case):
    content, reason = BAD_FILES[case]
    with pytest.raises(InputError, match=rf"a\.file: {reason}"):
        read(content)
