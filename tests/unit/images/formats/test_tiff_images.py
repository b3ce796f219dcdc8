"""Images of TIFF files: exact values in every combination, stacks, volumes and hyperstacks."""

import io
import json
from collections import Counter
from itertools import product

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from bench.errors import InputError
from bench.images.formats.tiff_images import open_tiff, planes_behind
from bench.images.formats.tiff_pages import open_pages
from tests.support.tiffs import draw_values, pixels_in, tiff_of

SIZE = (32, 48)
TYPES = ["uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32", "float64"]
LOSSLESS = {
    None: {},
    "lzw": {"predictor": True},
    "deflate": {"predictor": True},
    "lzma": {},
    "zstd": {"predictor": True},
    "packbits": {},
    "jpeg2000": {"compressionargs": {"reversible": True, "level": 0}},
    "jpegxl": {"compressionargs": {"lossless": True}},
    "webp": {"compressionargs": {"lossless": True}},
}
HOLDS = {
    "jpeg2000": {"uint8", "uint16"},
    "jpegxl": {"uint8", "uint16", "float16", "float32"},
    "webp": {"uint8"},
}
"""Types that a compression holds, where these are not all."""


def combinations():
    """List what is written: type, compression, colours, planes, tiles, byte order and size of offsets."""
    tiles, headers = (None, (16, 32)), (("<", False), (">", True), (">", False))
    for dtype, compression, photometric, tile in product(
        TYPES, LOSSLESS, ("minisblack", "miniswhite", "rgb", "planar"), tiles
    ):
        if dtype not in HOLDS.get(compression, TYPES):
            continue
        if compression == "webp" and photometric != "rgb":
            continue
        for order, big in headers:
            # The codecs of images take no big-endian samples.
            if compression not in HOLDS or order == "<" or dtype == "uint8":
                yield dtype, compression, photometric, tile, order, big


def write(dtype, compression, photometric, tile, order, big):
    colour = photometric in ("rgb", "planar")
    values = draw_values(dtype, (*SIZE, 3 if colour else 1))
    stored = np.moveaxis(values, -1, 0) if photometric == "planar" else values
    content = tiff_of(
        stored if colour else values[..., 0],
        writer={"byteorder": order, "bigtiff": big},
        photometric="rgb" if colour else photometric,
        planarconfig="separate" if photometric == "planar" else None,
        tile=tile,
        compression=compression,
        **LOSSLESS[compression],
    )
    return values, content


def test_every_combination_is_read_exactly_or_refused_by_name():
    counts = Counter()
    for combination in combinations():
        dtype, _, photometric, *_ = combination
        values, content = write(*combination)
        if photometric == "miniswhite" and dtype.startswith("float"):
            with pytest.raises(
                InputError, match=rf"a\.tif: {dtype} samples of MINISWHITE .* are not supported"
            ):
                pixels_in(content)
            counts["refused"] += 1
            continue
        if photometric == "miniswhite":
            values = ~values  # the largest value minus the value, or -1 minus it
        (image,) = pixels_in(content)
        assert image.dtype == np.dtype(dtype), combination
        np.testing.assert_array_equal(image, values, err_msg=str(combination))
        counts["read"] += 1
    assert counts["read"] > 1000
    assert counts["refused"] > 100


@pytest.mark.parametrize("bits", [9, 10, 12, 14])
@pytest.mark.parametrize("order", ["<", ">"])
def test_packed_bits_are_read_exactly(bits, order):
    values = draw_values("uint16", (14, 17), bits=bits)
    packed = [imagecodecs.packints_encode(values, bits, runlen=17)]  # tifffile packs big-endian ones wrongly
    content = tiff_of(
        iter(packed), shape=(14, 17), dtype="uint16", bitspersample=bits, writer={"byteorder": order}
    )
    images = open_tiff(content, where="a.tif")
    np.testing.assert_array_equal(next(iter(images))[..., 0], values)
    assert (images.bits, images.stated) == (bits, ((0, 2**bits - 1, f"{bits} bits per sample"),))


@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
def test_jpeg_is_read_as_tifffile_and_pillow_read_it(photometric):
    stored = draw_values("uint8", (*SIZE, 3) if photometric == "rgb" else SIZE)
    content = tiff_of(stored, photometric=photometric, compression="jpeg")
    expected = tifffile.imread(io.BytesIO(content)).reshape(*SIZE, -1)
    np.testing.assert_array_equal(pixels_in(content)[0], expected)
    peer = Image.open(io.BytesIO(content)).convert("RGB" if photometric == "rgb" else "L")
    np.testing.assert_array_equal(np.atleast_3d(np.asarray(peer)), expected)


STACK = draw_values("uint16", (3, 14, 17))


@pytest.mark.parametrize("options", [{}, {"volumetric": True}, {"compression": "zlib"}])
def test_pages_and_planes_of_a_volume_are_images(options):
    images = open_tiff(tiff_of(STACK, photometric="minisblack", **options), where="a.tif")
    assert (len(images), images.shape) == (3, (14, 17, 1))
    np.testing.assert_array_equal(np.stack(list(images))[..., 0], STACK)


@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_planes_of_a_hyperstack_are_images_in_their_order(kind):
    stored = draw_values("uint16", (2, 3, 4, 14, 17))
    content = tiff_of(stored, writer={kind: True}, photometric="minisblack", metadata={"axes": "TZCYX"})
    np.testing.assert_array_equal(np.stack(pixels_in(content))[..., 0], stored.reshape(-1, 14, 17))


def test_colour_stacks_of_imagej_are_colour_images():
    stored = draw_values("uint8", (4, 14, 17, 3))
    content = tiff_of(stored, writer={"imagej": True}, photometric="rgb", metadata={"axes": "ZYXS"})
    np.testing.assert_array_equal(np.stack(pixels_in(content)), stored)


def virtual_stack():
    """Write a hyperstack with one directory before all planes, as ImageJ does beyond 4 GB."""
    content = bytearray(tiff_of(STACK, writer={"imagej": True}))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as tif:
        place, order = tif.pages.first.offset, {"<": "little", ">": "big"}[tif.byteorder]
    entries = int.from_bytes(content[place : place + 2], order)
    following = place + 2 + 12 * entries
    content[following : following + 4] = bytes(4)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [virtual_stack(), tiff_of(STACK, photometric="minisblack", truncate=True)],
    ids=["imagej", "truncated series"],
)
def test_planes_behind_a_single_directory_are_read(content):
    with open_pages(content, where="a.tif") as tif:
        assert (len(tif.pages), planes_behind(tif, where="a.tif")) == (1, 3)
    np.testing.assert_array_equal(np.stack(pixels_in(content))[..., 0], STACK)


def test_a_stack_that_lacks_images_is_refused():
    content = virtual_stack()
    lacking = content.replace(b"images=3", b"images=9").replace(b"slices=3", b"slices=9")
    with pytest.raises(InputError, match=r"a\.tif: truncated \(it claims 9 images, but has 1\)"):
        pixels_in(lacking)


def test_samples_that_imagej_counts_as_channels_are_no_images():
    colour = draw_values("uint8", (14, 17, 3))
    described = {"metadata": None, "description": "ImageJ=1.54\nimages=3\nchannels=3\n"}
    content = tiff_of(np.moveaxis(colour, -1, 0), photometric="rgb", planarconfig="separate", **described)
    np.testing.assert_array_equal(pixels_in(content), [colour])


def test_a_description_of_another_shape_is_not_believed():
    """Programs copy descriptions to files whose images they have cropped."""
    grey = draw_values("uint8", (14, 17))
    content = tiff_of(grey, metadata=None, description='{"shape": [28, 34]}')
    np.testing.assert_array_equal(pixels_in(content)[0][..., 0], grey)


def test_images_are_decoded_one_at_a_time(tmp_path):
    path = tmp_path / "a.tif"
    content = tiff_of(STACK, photometric="minisblack", compression="zlib")
    with tifffile.TiffFile(io.BytesIO(content)) as tif:
        last = tif.pages[2].dataoffsets[0]
    path.write_bytes(content[:last] + bytes(20) + content[last + 20 :])
    images = iter(open_tiff(path, where="a.tif"))
    for expected in STACK[:2]:
        np.testing.assert_array_equal(next(images)[..., 0], expected)
    with pytest.raises(InputError, match=r"a\.tif, page 3 of 3: truncated or damaged"):
        next(images)


def stated(content):
    return open_tiff(content, where="a.tif").stated


def test_ranges_that_the_metadata_state_are_found():
    grey = STACK[0]
    ranges = {"min": 100.0, "max": 1123.0}
    assert stated(tiff_of(grey, writer={"imagej": True}, metadata=ranges))[0][:2] == (100, 1123)
    of_channels = {"axes": "CYX", "Ranges": (5.0, 900.0, 7.0, 1000.0)}
    assert stated(tiff_of(STACK[:2], writer={"imagej": True}, metadata=of_channels))[0][:2] == (5, 1000)
    ome = tiff_of(grey, writer={"ome": True}, metadata={"SignificantBits": 12})
    assert stated(ome) == ((0, 4095, "OME: 12 significant bits"),)
    assert stated(tiff_of(grey, extratags=[(281, 3, 1, 1023, True)])) == (
        (0, 1023, "TIFF: MaxSampleValue 1023"),
    )
    assert stated(tiff_of(grey, extratags=[(281, 3, 1, 1000, True)])) == ()


def test_the_description_of_tifffile_is_the_one_that_is_read():
    with open_pages(tiff_of(STACK, photometric="minisblack", truncate=True), where="a.tif") as tif:
        assert json.loads(tif.pages.first.description) == {"shape": [3, 14, 17], "truncated": True}
