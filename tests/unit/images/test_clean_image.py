"""Clean images: which files are accepted, how they are converted, and their fingerprints."""

import csv
import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import InputError
from bench.images.clean_image import BYTES, CleanImage, decode, grey, intensities
from bench.images.intensity_scale import IntensityScale
from tests.support.forged_images import png
from tests.support.tiffs import draw_values, tiff_of

COLOUR = np.random.default_rng(0).integers(0, 256, (14, 17, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]
TWO_CHANNELS = tiff_of(COLOUR[..., :2], photometric="minisblack", planarconfig="contig")


def save(path, pixels, **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


def cut(path):
    content = save(path, COLOUR).read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def with_alpha(lowest):
    alpha = np.full(GREY.shape, 255, np.uint8)
    alpha[3, 4] = lowest
    return np.dstack([COLOUR, alpha])


BAD_FILES = {
    "missing": ("a.png", lambda _: None, "cannot be read"),
    "truncated png": ("a.png", cut, "truncated"),
    "truncated tiff": ("a.tif", cut, "truncated|not an image"),
    "1-bit png": ("a.png", lambda path: save(path, GREY > 99), "1-bit"),
    "two channels": ("a.tif", lambda path: path.write_bytes(TWO_CHANNELS), "2 channels in one"),
    "1 pixel": ("a.png", lambda path: save(path, COLOUR[:1, :1]), "1x1 pixels.*11x11"),
    "too narrow": ("a.png", lambda path: save(path, COLOUR[:, :10].copy()), "14x10 pixels.*11x11"),
    "alpha": ("a.png", lambda path: save(path, with_alpha(17)), "transparent.*17 of 255"),
    "bomb": ("a.png", lambda path: path.write_bytes(png(12_000, 12_000)), "decompression bomb"),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_is_refused_with_its_name_and_the_reason(tmp_path, case, channels):
    name, write, reason = BAD_FILES[case]
    write(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}.*({reason})"):
        decode(tmp_path / name, name=name, channels=channels)


def test_colour_is_unchanged(tmp_path):
    (image,), notes = decode(save(tmp_path / "a.png", COLOUR), name="a.png", channels=3)
    np.testing.assert_array_equal(image.pixels, COLOUR)
    assert notes == ()


def test_grey_is_unchanged(tmp_path):
    (image,), notes = decode(save(tmp_path / "a.tif", GREY), name="a.tif", channels=1)
    np.testing.assert_array_equal(image.pixels, GREY[..., None])
    assert notes == ()


def test_content_and_file_decode_alike(tmp_path):
    file = save(tmp_path / "a.png", COLOUR)
    (from_file,), _ = decode(file, name="a.png", channels=3)
    (from_content,), _ = decode(file.read_bytes(), name="row 7", channels=3)
    assert from_content.fingerprint == from_file.fingerprint
    with pytest.raises(InputError, match="row 7: not an image"):
        decode(b"hello", name="row 7", channels=3)


def test_grey_follows_the_stated_formula():
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30], [245, 0, 11]]], np.uint8)
    # By hand: 76.23, 149.70, 29.08, 18.15 and 74.4936, where the weights 0.299, 0.587, 0.114 give 74.509.
    assert grey(pixels)[0, :, 0].tolist() == [76, 150, 29, 18, 74]


def test_the_grey_formula_keeps_grey_levels():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    np.testing.assert_array_equal(grey(levels.repeat(3, axis=2)), levels)


def test_grey_of_floats_is_not_rounded():
    pixels = np.array([[[0.5, 0.25, 1.0]]])
    expected = 0.5 * 0.298936 + 0.25 * 0.587043 + 0.114021
    assert grey(pixels)[0, 0, 0] == pytest.approx(expected, rel=1e-12)
    deep = np.array([[[65535, 0, 0]]], np.uint16)
    assert grey(deep).dtype == np.uint16
    assert grey(deep)[0, 0, 0] == round(65535 * 0.298936)


@pytest.mark.parametrize("pixels", [GREY, np.dstack([GREY] * 3)], ids=["mode L", "equal channels"])
def test_grey_asked_for_as_colour_is_refused(tmp_path, pixels):
    file = save(tmp_path / "plain.png", pixels)
    with pytest.raises(InputError, match=r"plain\.png.*grey"):
        decode(file, name=file.name, channels=3)


def test_cmyk_is_converted_with_a_note(tmp_path):
    cmyk = Image.fromarray(COLOUR).convert("CMYK")
    (image,), notes = decode(save(tmp_path / "photo.tif", cmyk), name="photo.tif", channels=3)
    np.testing.assert_array_equal(image.pixels, COLOUR)
    assert notes == ("photo.tif: CMYK converted to RGB",)


def test_palette_is_converted_with_a_note(tmp_path):
    palette = Image.fromarray(COLOUR).quantize(16)
    (image,), notes = decode(save(tmp_path / "p.png", palette), name="p.png", channels=3)
    np.testing.assert_array_equal(image.pixels, np.asarray(palette.convert("RGB")))
    assert notes == ("p.png: palette converted to RGB",)


def test_opaque_alpha_is_dropped_with_a_note(tmp_path):
    (image,), notes = decode(save(tmp_path / "a.png", with_alpha(255)), name="a.png", channels=3)
    np.testing.assert_array_equal(image.pixels, COLOUR)
    assert notes == ("a.png: fully opaque alpha channel dropped",)


def test_grey_with_opaque_alpha_stays_grey(tmp_path):
    file = save(tmp_path / "a.png", Image.fromarray(GREY).convert("LA"))
    (image,), notes = decode(file, name="a.png", channels=1)
    np.testing.assert_array_equal(image.pixels, GREY[..., None])
    assert notes == ("a.png: fully opaque alpha channel dropped",)
    with pytest.raises(InputError, match=r"a\.png.*grey"):
        decode(file, name="a.png", channels=3)


def test_fingerprint_is_the_stated_hash():
    expected = hashlib.sha256(b"14x17x3:" + COLOUR.tobytes()).hexdigest()
    assert CleanImage("a", COLOUR.copy()).fingerprint == expected


def test_fingerprint_depends_on_pixels_and_shape_but_not_on_the_name():
    image = CleanImage("a", COLOUR.copy())
    brighter = COLOUR.copy()
    brighter[0, 0, 0] ^= 1
    assert CleanImage("b", COLOUR.copy()).fingerprint == image.fingerprint
    assert CleanImage("a", brighter).fingerprint != image.fingerprint
    assert CleanImage("a", COLOUR.reshape(17, 14, 3).copy()).fingerprint != image.fingerprint


def test_images_of_other_types_are_scaled_with_a_note():
    deep = draw_values("uint16", (14, 17), bits=12)
    (image,), notes = decode(tiff_of(deep), name="a.tif", channels=1)
    np.testing.assert_array_equal(image.pixels[..., 0], deep)
    np.testing.assert_allclose(intensities(image)[..., 0], deep / 4095, rtol=1e-6)
    assert notes == (f"a.tif: uint16 values scaled, {image.scale}",)
    floats = draw_values("float64", (14, 17)).clip(0, 1)
    (image,), _ = decode(tiff_of(floats), name="a.tif", channels=1)
    np.testing.assert_array_equal(intensities(image)[..., 0], floats.astype(np.float32))


def test_8_bits_are_never_scaled_by_what_they_show():
    (dark,), notes = decode(save_bytes(GREY // 16), name="a.png", channels=1)
    assert (dark.scale, notes) == (BYTES, ())
    np.testing.assert_allclose(intensities(dark)[..., 0], GREY // 16 / 255, rtol=1e-6)


def save_bytes(pixels):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "png")
    return content.getvalue()


def test_pages_are_images_with_numbers():
    stack = draw_values("uint8", (3, 14, 17))
    images, _ = decode(tiff_of(stack, photometric="minisblack"), name="cells.tif", channels=1)
    assert [image.name for image in images] == ["cells_0001.tif", "cells_0002.tif", "cells_0003.tif"]
    np.testing.assert_array_equal(np.stack([image.pixels[..., 0] for image in images]), stack)


def test_the_fingerprint_of_other_types_includes_type_and_scale():
    deep = draw_values("uint16", (14, 17, 1))
    image = CleanImage("a", deep.copy(), IntensityScale(0, 65535))
    expected = hashlib.sha256(b"14x17x1:uint16:0:65535:" + deep.tobytes()).hexdigest()
    assert image.fingerprint == expected
    assert CleanImage("a", deep.copy(), IntensityScale(0, 4095)).fingerprint != expected
    assert CleanImage("a", deep.view(np.int16).copy(), image.scale).fingerprint != expected


def test_the_orientation_is_the_same_in_every_format(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = [
        decode(save(tmp_path / f"a.{kind}", COLOUR, exif=exif), name=f"a.{kind}", channels=3)[0][0]
        for kind in ("png", "tif")
    ]
    for image in turned:
        np.testing.assert_array_equal(image.pixels, np.rot90(COLOUR, 3))


def test_pixels_cannot_change_under_their_fingerprint(tmp_path):
    (image,), _ = decode(save(tmp_path / "a.png", GREY), name="a.png", channels=1)
    with pytest.raises(ValueError, match="read-only"):
        image.pixels[0, 0] = 1


def test_an_image_leaves_the_given_array_writable():
    pixels = COLOUR.copy()
    CleanImage("a", pixels)
    assert pixels.flags.writeable


@pytest.mark.parametrize(
    "name", ["", "..", "../a.png", "/etc/a.png", "a\nb.png", "a\x1b[2J.png", "a\u202egnp.png"]
)
def test_an_unsafe_image_name_is_refused(name):
    with pytest.raises(InputError, match="image: "):
        CleanImage(name, COLOUR.copy())


@pytest.mark.data
def test_grey_of_cbsd68_is_bsd68():
    root = os.environ.get("NOISEBENCH_DATA")
    if not root or not (Path(root) / "bsd68_ids.csv").is_file():
        pytest.skip("NOISEBENCH_DATA does not name a folder with bsd68_ids.csv")
    with (Path(root) / "bsd68_ids.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    worst = 0
    for row in rows:
        (stored,), _ = decode(Path(root) / "bsd68" / row["file"], name=row["file"], channels=1)
        colour = f"{row['bsds500_id']}.png"
        (converted,), _ = decode(Path(root) / "cbsd68" / colour, name=colour, channels=1)
        worst = max(worst, np.abs(converted.pixels.astype(int) - stored.pixels).max())
    assert len(rows) == 68
    assert worst <= 1


def test_intensities_are_bytes_over_255_in_float32():
    image = CleanImage("colour", np.random.default_rng(0).integers(0, 256, (14, 17, 3), dtype=np.uint8))
    scaled = intensities(image)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(np.rint(scaled * 255), image.pixels)
    np.testing.assert_allclose(scaled, image.pixels / 255, rtol=1e-7)
