"""Black and white levels: exact inverses, where they come from, and what the file cannot hold."""

import io

import numpy as np
import pytest
import tifffile

from bench.errors import InputError
from bench.images.formats.png_chunks import encode_png
from bench.images.image_file import open_image_file
from bench.images.intensity_scale import IntensityScale, choose_scale, full_scale, measure_range
from tests.support.tiffs import draw_values, tiff_of

RNG = np.random.default_rng(0)
TYPES = ["uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32", "float64"]
SMOOTH = np.add.outer(np.sin(np.arange(64) / 9), np.cos(np.arange(64) / 7)) / 4 + 0.5
"""A smooth image from 0 to 1."""


def opened(values, **options):
    return open_image_file(tiff_of(values, photometric="minisblack", **options), where="a.tif")


def scale_of(values, **options):
    return choose_scale(opened(values, **options))


def levels(scale):
    return scale.black, scale.white


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("given", [{}, {"black": 3, "white": 250}, {"black": -7.5, "white": 1e6}])
def test_values_are_reproduced_exactly(dtype, given):
    images = opened(draw_values(dtype, (64, 64)))
    scale = choose_scale(images, **given)
    (values,) = images
    back, clamped = scale.from_unit(scale.to_unit(values), images.dtype, largest=images.largest)
    assert (back.dtype, clamped) == (np.dtype(dtype), 0)
    if dtype == "float64":  # whose last digits are below those of a black level other than 0
        np.testing.assert_allclose(back, values, rtol=0, atol=1e-15 * (scale.white - scale.black))
    else:
        np.testing.assert_array_equal(back, values)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-0.5, 1.7), (0, 1e-9), (0, 3e5), (100, 150), (1e6, 1e6 + 1)]
)
def test_doubles_are_reproduced_exactly_from_the_scale_of_their_data(low, high):
    images = opened(RNG.uniform(low, high, (64, 64)))
    scale = choose_scale(images)
    (values,) = images
    back, _ = scale.from_unit(scale.to_unit(values), images.dtype, largest=images.largest)
    np.testing.assert_array_equal(back, values)


def test_black_is_0_and_white_is_1():
    scale = IntensityScale(100, 612)
    np.testing.assert_array_equal(
        scale.to_unit(np.array([100, 612, 356, 0], np.uint16)), [0, 1, 0.5, -100 / 512]
    )
    assert scale.in_file_units(0.25) == 128
    assert str(scale) == "black 100, white 612 (given)"


@pytest.mark.parametrize(
    ("dtype", "unit"), [("uint8", "f4"), ("uint16", "f4"), ("float32", "f8"), ("int32", "f8")]
)
def test_intensities_hold_every_value_of_the_type(dtype, unit):
    assert IntensityScale(0, 1).to_unit(np.zeros(1, dtype)).dtype == unit


@pytest.mark.parametrize(
    ("dtype", "largest", "values", "clamped"),
    [("uint8", 255, [0, 0, 128, 255, 255], 2), ("uint16", 4095, [0, 0, 2048, 4095, 4095], 2)],
)
def test_what_the_type_does_not_hold_is_clamped_and_counted(dtype, largest, values, clamped):
    unit = np.array([-0.5, 0, 0.5001, 1, 1.5])
    scale = IntensityScale(0, largest)
    back, count = scale.from_unit(unit, np.dtype(dtype), largest=largest)
    assert (back.tolist(), count) == (values, clamped)


def test_signed_values_are_clamped_at_both_ends_and_floats_at_none():
    unit = np.array([-1.0, 3.0])
    back, count = IntensityScale(0, 32767).from_unit(unit * 2, np.dtype("int16"), largest=32767)
    assert (back.tolist(), count) == ([-32768, 32767], 2)
    back, count = IntensityScale(0, 8).from_unit(unit, np.dtype("float32"), largest=np.inf)
    assert (back.tolist(), count) == ([-8, 24], 0)


def test_nan_is_not_written():
    with pytest.raises(InputError, match="holds NaN"):
        IntensityScale(0, 1).from_unit(np.array([np.nan]), np.dtype("float32"), largest=np.inf)


@pytest.mark.parametrize(("black", "white"), [(1, 1), (2, 1), (np.nan, 1), (0, np.inf)])
def test_white_is_above_black(black, white):
    with pytest.raises(InputError, match="allowed: white above black"):
        IntensityScale(black, white)


@pytest.mark.parametrize(("dtype", "white"), [("uint8", 255), ("uint16", 65535), ("float32", 1)])
def test_the_full_scale_is_that_of_the_type(dtype, white):
    assert levels(full_scale(np.dtype(dtype))) == (0, white)


def noisy(black, span, sd, dtype):
    """Draw an image with values from black to black + span, and noise."""
    values = black + span * SMOOTH + RNG.normal(0, sd, SMOOTH.shape)
    return values.astype(dtype) if np.dtype(dtype).kind == "f" else np.rint(values.clip(0)).astype(dtype)


SPOTS = np.zeros((64, 64), bool)
SPOTS[[3, 40], [50, 9]] = True

FOUND = {
    "8 bits, whatever they show": (noisy(90, 40, 3, "uint8"), (0, 255)),
    "16 bits in full": (noisy(0, 65000, 100, "uint16"), (0, 65535)),
    "16 bits of low contrast": (noisy(20000, 30000, 100, "uint16"), (0, 65535)),
    "12 bits": (noisy(0, 4000, 9, "uint16"), (0, 4095)),
    "14 bits": (noisy(0, 16000, 90, "uint16"), (0, 16383)),
    "constant": (np.full((16, 16), 700, np.uint16), (0, 65535)),
    "fractions": (noisy(0, 1, 0.1, "float32"), (0, 1)),
    "fractions with strong noise": (noisy(0, 1, 0.25, "float64"), (0, 1)),
    "photon counts": (RNG.poisson(0.4, (64, 64)).astype(np.float32), (0, 4)),
    "counts of 16 bits as floats": (noisy(0, 60000, 99, "float32").round(), (0, 65536)),
    "small floats": (noisy(0, 0.01, 0.0005, "float32"), (0, 2**-6)),
    "bytes as floats": (noisy(0, 230, 5, "float32"), (0, 256)),
    "photon counts as bytes": (RNG.poisson(2, (64, 64)).astype(np.uint8), (0, 15)),
    "a few spots": (np.where(SPOTS, 900, 0).astype(np.uint16), (0, 1023)),
    "a few photons": (SPOTS.astype(np.uint16), (0, 1)),
    "a few spots in floats": (np.where(SPOTS, 900, 0.5).astype(np.float32), (0, 1024)),
    "black": (np.zeros((16, 16), np.uint8), (0, 255)),
}


@pytest.mark.parametrize("case", FOUND)
def test_levels_are_found_from_the_data(case):
    values, expected = FOUND[case]
    assert levels(scale_of(values)) == expected


@pytest.mark.parametrize(
    ("black", "span", "dtype"),
    [
        (100, 400, "uint16"),
        (32768, 4000, "uint16"),
        (-1000, 3500, "int16"),
        (500, 1000, "uint32"),
        (100, 3, "float32"),
    ],
)
def test_the_offset_of_a_camera_is_found(black, span, dtype):
    values = (black + span * SMOOTH + RNG.normal(0, span / 100, SMOOTH.shape)).astype(dtype)
    found = scale_of(values)
    assert found.black == pytest.approx(black, abs=span / 20)
    assert span <= found.white - found.black < 2.2 * span
    assert "far from 0" in str(found)


def test_hot_and_dead_pixels_change_no_level():
    values = (100 + 400 * np.kron(SMOOTH, np.ones((4, 4)))).astype(np.uint16)
    expected = levels(scale_of(values))
    values[7, 9], values[50, 3], values[100, 200] = 0, 65535, 65535
    assert levels(scale_of(values)) == expected


def test_a_stack_has_one_scale():
    stack = np.stack([noisy(0, span, 1, "uint16") for span in (100, 4000, 900)])
    assert levels(scale_of(stack)) == (0, 4095)
    assert measure_range(opened(stack)).high > 3900


def test_stated_ranges_count_where_the_values_use_them():
    camera = noisy(100, 900, 5, "uint16")
    display = {"min": 100.0, "max": 1123.0}
    found = scale_of(camera, writer={"imagej": True}, metadata=display)
    assert (levels(found), "ImageJ" in found.origin) == ((100, 1123), True)
    unused = scale_of(camera, writer={"imagej": True}, metadata={"min": 0.0, "max": 65535.0})
    assert unused.white < 1200
    exceeded = scale_of(camera, writer={"imagej": True}, metadata={"min": 100.0, "max": 300.0})
    assert exceeded.white > 1000
    assert levels(
        scale_of(noisy(0, 900, 5, "uint16"), writer={"ome": True}, metadata={"SignificantBits": 10})
    ) == (*(0, 1023),)
    assert levels(scale_of(noisy(0, 900, 5, "uint16"), bitspersample=12)) == (0, 4095)


def test_significant_bits_of_a_png_count_unless_its_values_are_beyond():
    values = noisy(0, 900, 5, "uint16")[..., None]
    for factor, white in ((1, 1023), (64, 65535)):
        content = encode_png((values * factor).astype(np.uint16), [(b"sBIT", b"\x0a")])
        assert levels(choose_scale(open_image_file(content, where="a.png"))) == (0, white)


def test_given_levels_overrule_one_by_one():
    images = opened(noisy(100, 400, 3, "uint16"))
    found = choose_scale(images)
    assert levels(choose_scale(images, black=90)) == (90, found.white)
    assert levels(choose_scale(images, white=9000)) == (found.black, 9000)
    assert levels(choose_scale(images, black=0, white=65535)) == (0, 65535)
    assert str(choose_scale(images, black=90)).endswith(f"(black level given; else {found.origin})")
    with pytest.raises(InputError, match="white above black"):
        choose_scale(images, black=10**6)


def test_given_levels_need_no_reading_of_the_images():
    content = bytearray(tiff_of(noisy(0, 900, 5, "uint16"), compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as tif:
        place = tif.pages.first.dataoffsets[0]
    content[place : place + 20] = bytes(20)
    images = open_image_file(bytes(content), where="a.tif")
    assert levels(choose_scale(images, black=0, white=5)) == (0, 5)
    with pytest.raises(InputError, match=r"a\.tif: truncated or damaged"):
        choose_scale(images, black=0)


def test_large_images_are_converted_in_blocks_as_a_whole():
    unit = RNG.uniform(-0.1, 1.1, (1500, 1500, 1)).astype(np.float32)
    values, clamped = IntensityScale(0, 255).from_unit(unit, np.dtype("uint8"), largest=255)
    expected = np.rint(unit.astype(np.float64) * 255)
    np.testing.assert_array_equal(values, expected.clip(0, 255))
    assert clamped == ((expected < 0) | (expected > 255)).sum()
