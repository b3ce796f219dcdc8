"""Odd files that people have, from the test data: each has its right values or is refused by name."""

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from bench.errors import InputError
from bench.images.clean_image import decode
from bench.images.image_file import open_image_file, output_name, write_copy
from bench.images.intensity_scale import choose_scale

ODD = Path(os.environ.get("NOISEBENCH_DATA", ".")) / "odd"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        not (ODD / "grey_uint16.tif").is_file(), reason="NOISEBENCH_DATA does not name a folder with odd/"
    ),
]

REFUSED = {
    "twochannel_uint16.tif": "2 channels in one MINISBLACK page",
    "threechannel_minisblack_uint16.tif": "3 channels in one MINISBLACK page",
}


def first(name):
    return next(iter(open_image_file(ODD / name)))


def test_every_file_is_written_back_as_it_came_by_the_identity(tmp_path):
    files = [path for path in sorted(ODD.iterdir()) if path.suffix in (".tif", ".png", ".jpg")]
    assert len(files) > 15
    for path in files:
        if path.name in REFUSED:
            continue
        images = open_image_file(path)
        scale = choose_scale(images)
        unit = (scale.to_unit(image) for image in images)
        values = (scale.from_unit(image, images.dtype, largest=images.largest)[0] for image in unit)
        target = tmp_path / output_name(path)
        write_copy(images, target, values)
        for ours, theirs in zip(open_image_file(target), images, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=path.name)
        if path.suffix == ".tif":
            np.testing.assert_array_equal(tifffile.imread(target), tifffile.imread(path), err_msg=path.name)


def test_inverted_grey_equals_what_is_not_inverted():
    np.testing.assert_array_equal(first("miniswhite_uint16.tif"), first("grey_uint16.tif"))


@pytest.mark.parametrize("name", ["rgb_uint16.tif", "planar_uint16.tif"])
def test_colours_in_pixels_and_planes_are_those_of_the_array(name):
    expected = np.load(ODD / "noisy_rgb.npy")
    images = open_image_file(ODD / name)
    unit = choose_scale(images).to_unit(next(iter(images)))
    np.testing.assert_allclose(unit, expected.reshape(unit.shape).clip(0, 1), atol=0.6 / 65535)


def test_compressed_files_are_not_black():
    assert first("jpeg2000_uint8.tif").mean() == pytest.approx(115, abs=10)
    np.testing.assert_array_equal(first("zstd_uint16.tif")[..., 0], tifffile.imread(ODD / "zstd_uint16.tif"))


@pytest.mark.parametrize("name", REFUSED)
def test_channels_are_refused_by_name(name):
    with pytest.raises(InputError, match=f"{name}: {REFUSED[name]}"):
        open_image_file(ODD / name)


def test_a_volume_is_a_stack_of_16_bits():
    images = open_image_file(ODD / "volume_uint16.tif")
    assert (len(images), images.dtype) == (16, np.uint16)


@pytest.mark.parametrize(
    ("name", "black", "used"),
    [
        ("scmos_uint16.tif", (90, 110), (400, 1000)),
        ("twelvebit_offset32768_uint16.tif", (32768, 32768), (4095, 4095)),
        ("photon_counts_float32.tif", (0, 0), (4, 8)),
        ("grey_uint16.tif", (0, 0), (65535, 65535)),
    ],
)
def test_levels_are_found(name, black, used):
    scale = choose_scale(open_image_file(ODD / name))
    assert black[0] <= scale.black <= black[1]
    assert used[0] <= scale.white - scale.black <= used[1]


def test_turned_files_of_both_formats_have_the_same_pixels_in_a_set():
    turned = [decode(ODD / name, name=name, channels=1)[0][0] for name in ("o6.tif", "o6.png")]
    assert turned[0].fingerprint == turned[1].fingerprint


def test_cmyk_is_converted_alike_in_jpeg_and_tiff(tmp_path):
    with Image.open(ODD / "cmyk.jpg") as photograph:
        photograph.save(tmp_path / "cmyk.tif")
        expected = np.asarray(photograph.convert("RGB"))
    for path in (ODD / "cmyk.jpg", tmp_path / "cmyk.tif"):
        images = open_image_file(path)
        np.testing.assert_array_equal(next(iter(images)), expected)
        assert images.notes == ("CMYK converted to RGB",)
