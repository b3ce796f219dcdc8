"""Clean images: which files are accepted, how they are converted, and their fingerprints."""

import csv
import hashlib
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from bench.errors import InputError
from bench.images.clean_image import CleanImage, decode, grey, intensities
from tests.support.forged_images import png

COLOUR = np.random.default_rng(0).integers(0, 256, (14, 17, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]
DEEP = COLOUR.astype(np.uint16) * 257


def save(path, pixels, **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


def cut(path):
    content = save(path, COLOUR).read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def two_frames(path):
    save(path, COLOUR, save_all=True, append_images=[Image.fromarray(COLOUR[::-1].copy())])


def with_alpha(lowest):
    alpha = np.full(GREY.shape, 255, np.uint8)
    alpha[3, 4] = lowest
    return np.dstack([COLOUR, alpha])


BAD_FILES = {
    "missing": ("a.png", lambda _: None, "cannot be read"),
    "zero-byte": ("a.png", lambda path: path.write_bytes(b""), r"empty \(0 bytes\)"),
    "text": ("a.png", lambda path: path.write_text("hello"), "not an image"),
    "truncated png": ("a.png", cut, "truncated"),
    "truncated jpeg": ("a.jpg", cut, "truncated"),
    "truncated bmp": ("a.bmp", cut, "truncated"),
    "truncated tiff": ("a.tif", cut, "truncated|not an image"),
    "animated png": ("a.png", two_frames, "2 frames"),
    "animated webp": ("a.webp", two_frames, "2 frames"),
    "tiff of two pages": ("a.tif", two_frames, "several frames"),
    "16-bit grey png": ("a.png", lambda path: save(path, DEEP[..., 0].copy()), "16-bit"),
    "16-bit colour png": ("a.png", lambda path: cv2.imwrite(str(path), DEEP), "16-bit"),
    "16-bit colour tiff": ("a.tif", lambda path: cv2.imwrite(str(path), DEEP), "16-bit"),
    "32-bit tiff": ("a.tif", lambda path: save(path, GREY.astype(np.int32)), "32-bit"),
    "float tiff": ("a.tif", lambda path: save(path, GREY.astype(np.float32)), "float"),
    "1-bit png": ("a.png", lambda path: save(path, GREY > 99), "1-bit"),
    "4-bit png": ("a.png", lambda path: path.write_bytes(png(12, 12, bits=4, rows=bytes(12 * 7))), "4-bit"),
    "unknown mode": ("a.tif", lambda path: save(path, Image.new("LAB", (17, 14))), "mode LAB"),
    "1 pixel": ("a.png", lambda path: save(path, COLOUR[:1, :1]), "1x1 pixels.*11x11"),
    "too narrow": ("a.png", lambda path: save(path, COLOUR[:, :10].copy()), "14x10 pixels.*11x11"),
    "alpha": ("a.png", lambda path: save(path, with_alpha(17)), "transparent.*17 of 255"),
    "colour key": ("a.png", lambda path: save(path, GREY, transparency=int(GREY[3, 4])), "transparent"),
    "bomb": ("a.png", lambda path: path.write_bytes(png(12_000, 12_000)), "decompression bomb"),
    "large bomb": ("a.png", lambda path: path.write_bytes(png(40_000, 40_000)), "decompression bomb"),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_is_refused_with_its_name_and_the_reason(tmp_path, case, channels):
    name, write, reason = BAD_FILES[case]
    write(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}.*({reason})"):
        decode(tmp_path / name, name=name, channels=channels)


def test_colour_is_unchanged(tmp_path):
    image, notes = decode(save(tmp_path / "a.png", COLOUR), name="a.png", channels=3)
    np.testing.assert_array_equal(image.pixels, COLOUR)
    assert notes == ()


def test_grey_is_unchanged(tmp_path):
    image, notes = decode(save(tmp_path / "a.tif", GREY), name="a.tif", channels=1)
    np.testing.assert_array_equal(image.pixels, GREY[..., None])
    assert notes == ()


def test_content_and_file_decode_alike(tmp_path):
    file = save(tmp_path / "a.png", COLOUR)
    from_file, _ = decode(file, name="a.png", channels=3)
    from_content, _ = decode(file.read_bytes(), name="row 7", channels=3)
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


@pytest.mark.parametrize("pixels", [GREY, np.dstack([GREY] * 3)], ids=["mode L", "equal channels"])
def test_grey_asked_for_as_colour_is_refused(tmp_path, pixels):
    file = save(tmp_path / "plain.png", pixels)
    with pytest.raises(InputError, match=r"plain\.png.*grey"):
        decode(file, name=file.name, channels=3)


def test_cmyk_is_converted_with_a_note(tmp_path):
    cmyk = Image.fromarray(COLOUR).convert("CMYK")
    image, notes = decode(save(tmp_path / "photo.tif", cmyk), name="photo.tif", channels=3)
    np.testing.assert_array_equal(image.pixels, COLOUR)
    assert notes == ("photo.tif: CMYK converted to RGB",)


def test_palette_is_converted_with_a_note(tmp_path):
    palette = Image.fromarray(COLOUR).quantize(16)
    image, notes = decode(save(tmp_path / "p.png", palette), name="p.png", channels=3)
    np.testing.assert_array_equal(image.pixels, np.asarray(palette.convert("RGB")))
    assert notes == ("p.png: palette converted to RGB",)


def test_opaque_alpha_is_dropped_with_a_note(tmp_path):
    image, notes = decode(save(tmp_path / "a.png", with_alpha(255)), name="a.png", channels=3)
    np.testing.assert_array_equal(image.pixels, COLOUR)
    assert notes == ("a.png: fully opaque alpha channel dropped",)


def test_grey_with_opaque_alpha_stays_grey(tmp_path):
    file = save(tmp_path / "a.png", Image.fromarray(GREY).convert("LA"))
    image, notes = decode(file, name="a.png", channels=1)
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


def test_pixels_cannot_change_under_their_fingerprint(tmp_path):
    image, _ = decode(save(tmp_path / "a.png", GREY), name="a.png", channels=1)
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
        stored, _ = decode(Path(root) / "bsd68" / row["file"], name=row["file"], channels=1)
        colour = f"{row['bsds500_id']}.png"
        converted, _ = decode(Path(root) / "cbsd68" / colour, name=colour, channels=1)
        worst = max(worst, np.abs(converted.pixels.astype(int) - stored.pixels).max())
    assert len(rows) == 68
    assert worst <= 1


def test_intensities_are_bytes_over_255_in_float32():
    image = CleanImage("colour", np.random.default_rng(0).integers(0, 256, (14, 17, 3), dtype=np.uint8))
    scaled = intensities(image)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(np.rint(scaled * 255), image.pixels)
    np.testing.assert_allclose(scaled, image.pixels / 255, rtol=1e-7)
