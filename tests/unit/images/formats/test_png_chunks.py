"""Chunks of a PNG, and PNG files with the metadata of others."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from bench.images.formats.png_chunks import bit_depth, chunks, encode_png, metadata_chunks, significant_bits
from tests.support.forged_images import png_of

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_chunks_are_listed_in_order():
    made = [(b"IHDR", bytes(13)), (b"sBIT", bytes([10, 12, 9])), (b"IEND", b"")]
    assert list(chunks(png_of(made))) == made
    assert significant_bits(png_of(made)) == 12
    assert significant_bits(png_of(made[::2])) is None


@pytest.mark.parametrize("shape", [(5, 7, 1), (5, 7, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_samples_are_encoded_exactly(shape, dtype):
    samples = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    content = encode_png(samples)
    assert bit_depth(content) == 8 * samples.itemsize
    if dtype == np.uint8 or shape[2] == 1:  # Pillow reduces deep colours to 8 bits
        np.testing.assert_array_equal(np.atleast_3d(np.asarray(Image.open(io.BytesIO(content)))), samples)


def test_pillow_reads_the_metadata():
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    metadata = metadata_chunks(profile=PROFILE, dpi=(300, 150), exif=exif.tobytes().removeprefix(b"Exif\0\0"))
    image = Image.open(io.BytesIO(encode_png(np.zeros((4, 4, 3), np.uint8), metadata)))
    image.load()
    assert image.info["icc_profile"] == PROFILE
    assert image.info["dpi"] == pytest.approx((300, 150), abs=0.02)
    assert image.getexif()[0x010F] == "a maker"
    assert list(metadata_chunks(profile=None, dpi=None, exif=b"")) == []
