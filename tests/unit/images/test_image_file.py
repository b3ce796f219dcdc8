"""Image files of a user: bit depths, colours, orientation, and what is refused."""

import cv2
import numpy as np
import pytest
from PIL import Image

from bench.errors import InputError
from bench.images.image_file import output_name, read_image, write_image

GENERATOR = np.random.default_rng(0)
BYTES = GENERATOR.integers(0, 256, (14, 17, 3), dtype=np.uint8)
WORDS = GENERATOR.integers(0, 65536, (14, 17, 3), dtype=np.uint16)
FLOATS = GENERATOR.normal(0.5, 2.0, (14, 17, 3)).astype(np.float32)
STORED = {"uint8": BYTES, "uint16": WORDS, "float32": FLOATS}


def store(path, samples):
    """Write (H, W, C) RGB samples by OpenCV, whose order is BGR."""
    cv2.imwrite(str(path), samples[..., ::-1].copy(), [cv2.IMWRITE_TIFF_COMPRESSION, 1])
    return path


def truncate(path, fraction=0.9):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
    return path


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("depth", "suffix"),
    [("uint8", ".png"), ("uint8", ".tif"), ("uint16", ".png"), ("uint16", ".tiff"), ("float32", ".tif")],
)
def test_images_are_read_as_fractions_and_written_back_unchanged(tmp_path, depth, suffix, channels):
    samples = STORED[depth][..., :channels]
    image, read_depth = read_image(store(tmp_path / f"in{suffix}", samples))
    assert (image.dtype, image.shape, read_depth) == (np.float32, (14, 17, channels), depth)
    if depth == "float32":
        np.testing.assert_array_equal(image, samples)
    else:
        np.testing.assert_allclose(image, samples / np.iinfo(depth).max, rtol=1e-6)
    write_image(tmp_path / f"out{suffix}", image, depth)
    again, written_depth = read_image(tmp_path / f"out{suffix}")
    assert written_depth == depth
    np.testing.assert_array_equal(again, image.clip(0, 1))


def test_colours_are_in_rgb_order(tmp_path):
    Image.new("RGB", (3, 2), (255, 102, 0)).save(tmp_path / "orange.png")
    image, depth = read_image(tmp_path / "orange.png")
    np.testing.assert_allclose(image[1, 2], [1, 0.4, 0], rtol=1e-6)
    write_image(tmp_path / "copy.png", image, depth)
    assert Image.open(tmp_path / "copy.png").getpixel((2, 1)) == (255, 102, 0)


def test_16_bits_are_kept_where_pillow_cannot(tmp_path):
    image = np.array([[[1, 2, 65535]]], np.float32) / 65535
    write_image(tmp_path / "deep.png", image, "uint16")
    stored = cv2.imread(str(tmp_path / "deep.png"), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    assert stored[0, 0].tolist() == [65535, 2, 1]


def test_noisy_floats_are_not_clipped_on_reading(tmp_path):
    image, _ = read_image(store(tmp_path / "noisy.tif", (FLOATS - FLOATS.mean()) * 100))
    assert image.min() < -50
    assert image.max() > 50


@pytest.mark.parametrize("unit", [255, -255, 2])
def test_floats_in_another_unit_are_refused(tmp_path, unit):
    with pytest.raises(InputError, match=r"bytes.tif: floats of mean .* Divide them by the value of white"):
        read_image(store(tmp_path / "bytes.tif", unit * np.full((4, 4), 0.9, np.float32)))


def test_writing_clamps_and_rounds(tmp_path):
    image = np.array([[[-0.5], [0.4999 / 255], [0.5001 / 255], [1.5]]], np.float32)
    write_image(tmp_path / "a.png", image, "uint8")
    assert cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)[0].tolist() == [0, 0, 1, 255]


def test_float_colour_tiff_is_lossless(tmp_path):
    # By default OpenCV 4 stores it as LogLuv, up to 0.016 off.
    image = GENERATOR.random((14, 17, 3), dtype=np.float32)
    write_image(tmp_path / "a.tiff", image, "float32")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tiff")[0], image)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_photograph_is_turned_upright(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter, so that the top of the scene is stored at the left
    stored = np.zeros((16, 24, 3), np.uint8)
    stored[:, 16:] = 255
    Image.fromarray(stored).save(tmp_path / f"a{suffix}", exif=exif)
    image, _ = read_image(tmp_path / f"a{suffix}")
    assert image.shape == (24, 16, 3)
    assert image[:12].max() < 0.1
    assert image[20:].min() > 0.9


def test_palette_and_bitmap_are_read_as_8_bits(tmp_path):
    palette = Image.fromarray(BYTES).quantize(16)
    palette.save(tmp_path / "a.png")
    image, depth = read_image(tmp_path / "a.png")
    assert depth == "uint8"
    np.testing.assert_allclose(image * 255, np.asarray(palette.convert("RGB")), atol=1e-4)


def with_nan(path):
    samples = FLOATS.copy()
    samples[3, 4, 1] = np.nan
    store(path, samples)


def with_alpha(path, samples):
    opaque = np.full((*samples.shape[:2], 1), np.iinfo(samples.dtype).max, samples.dtype)
    cv2.imwrite(str(path), np.concatenate([samples, opaque], axis=2))


BAD_FILES = {
    "missing": ("a.png", lambda _: None, "cannot be read.*No such file"),
    "folder": ("a.png", lambda path: path.mkdir(), "not a regular file"),
    "zero-byte": ("a.png", lambda path: path.write_bytes(b""), r"empty \(0 bytes\)"),
    "text": ("a.png", lambda path: path.write_text("hello"), "not an image"),
    "truncated png": ("a.png", lambda path: truncate(store(path, BYTES)), "damaged"),
    "truncated jpeg": ("a.jpg", lambda path: truncate(store(path, BYTES)), "damaged"),
    "truncated float tiff": ("a.tif", lambda path: truncate(store(path, FLOATS)), "damaged"),
    "two pages": (
        "a.tif",
        lambda path: Image.fromarray(BYTES).save(
            path, save_all=True, append_images=[Image.new("RGB", (9, 9))]
        ),
        "several frames; allowed: one",
    ),
    "alpha": ("a.png", lambda path: with_alpha(path, BYTES), "alpha"),
    "16-bit alpha": ("a.png", lambda path: with_alpha(path, WORDS), "alpha"),
    "grey with alpha": ("a.tif", lambda path: Image.new("LA", (9, 9)).save(path), "alpha"),
    "float alpha": ("a.tif", lambda path: cv2.imwrite(str(path), np.ones((9, 9, 4), np.float32)), "alpha"),
    "CMYK tiff": ("a.tif", lambda path: Image.new("CMYK", (9, 9)).save(path), "CMYK"),
    "float64": (
        "a.tif",
        lambda path: store(path, FLOATS.astype(np.float64)),
        "float64 samples; allowed: uint8",
    ),
    "int16": ("a.tif", lambda path: store(path, FLOATS.astype(np.int16)), "int16 samples; allowed: uint8"),
    "NaN": ("a.tif", with_nan, "NaN"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_is_refused_with_its_name_and_the_reason(tmp_path, case):
    name, write, reason = BAD_FILES[case]
    write(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}: .*({reason})"):
        read_image(tmp_path / name)


@pytest.mark.parametrize(("name", "depth"), [("a.jpg", "uint8"), ("a.jpg", "uint16"), ("a.png", "float32")])
def test_format_that_would_lose_the_depth_is_refused(tmp_path, name, depth):
    with pytest.raises(InputError, match=rf"{name}: cannot hold {depth} without loss; allowed: .*\.tif"):
        write_image(tmp_path / name, np.zeros((2, 2, 1), np.float32), depth)
    assert not (tmp_path / name).exists()


def test_nan_is_not_written(tmp_path):
    with pytest.raises(InputError, match=r"a\.png: not written.*NaN"):
        write_image(tmp_path / "a.png", np.full((2, 2, 1), np.nan, np.float32), "uint8")
    assert not (tmp_path / "a.png").exists()


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere/a\.png: cannot be written"):
        write_image(tmp_path / "nowhere/a.png", np.zeros((2, 2, 1), np.float32), "uint8")


@pytest.mark.parametrize(
    ("name", "depth", "expected"),
    [
        ("a.png", "uint8", "a_denoised.png"),
        ("a.PNG", "uint16", "a_denoised.PNG"),
        ("a.b.tif", "uint16", "a.b_denoised.tif"),
        ("a.tiff", "float32", "a_denoised.tiff"),
        ("a.jpg", "uint8", "a_jpg_denoised.png"),
        ("a.webp", "uint8", "a_webp_denoised.png"),
        ("a.exr", "float32", "a_exr_denoised.tif"),
    ],
)
def test_output_keeps_a_lossless_format_and_replaces_others(tmp_path, name, depth, expected):
    assert output_name(tmp_path / name, depth) == expected
