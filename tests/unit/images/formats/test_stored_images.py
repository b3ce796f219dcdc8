"""Stored images: their labels and limits, alpha, and orientations as Pillow turns them."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from bench.errors import InputError
from bench.images.formats.stored_images import as_stored, drop_alpha, upright
from bench.images.image_file import open_image_file
from tests.support.tiffs import tiff_of

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_pillow_turns_them(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    photograph = Image.fromarray(PIXELS)
    photograph.info["exif"] = exif.tobytes()
    turned = upright(PIXELS, orientation)
    np.testing.assert_array_equal(turned, np.asarray(ImageOps.exif_transpose(photograph)))
    np.testing.assert_array_equal(as_stored(turned, orientation), PIXELS)


def test_only_opaque_alpha_is_dropped():
    opaque = np.dstack([PIXELS, np.full((4, 7), 255, np.uint8)])
    np.testing.assert_array_equal(drop_alpha(opaque, largest=255, where="a"), PIXELS)
    opaque[1, 2, 3] = 17
    with pytest.raises(InputError, match=r"a: transparent \(alpha down to 17 of 255\)"):
        drop_alpha(opaque, largest=255, where="a")


@pytest.mark.parametrize(
    ("dtype", "bits", "largest"),
    [("uint8", None, 255), ("uint16", None, 65535), ("uint16", 12, 4095), ("int16", None, 32767)],
)
def test_the_largest_value_is_that_of_the_bits(dtype, bits, largest):
    images = open_image_file(tiff_of(np.zeros((4, 4), dtype), bitspersample=bits), where="a.tif")
    assert images.largest == largest


def test_floats_have_no_largest_value_but_are_finite():
    values = np.zeros((3, 4, 4), np.float32)
    values[1, 2, 3] = np.inf
    images = open_image_file(tiff_of(values, photometric="minisblack"), where="a.tif")
    assert (images.largest, len(images), images.label(2)) == (np.inf, 3, "a.tif, image 3 of 3")
    with pytest.raises(InputError, match=r"a\.tif, image 2 of 3: holds NaN or infinity"):
        list(images)
