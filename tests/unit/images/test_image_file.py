"""Image files of a user: one door for every format, and copies as the files came."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from bench.errors import InputError
from bench.images.formats.png_chunks import chunks, encode_png
from bench.images.image_file import open_image_file, output_name, replacing, write_copy
from bench.images.intensity_scale import choose_scale
from tests.support.tiffs import draw_values, tiff_of

BYTES = draw_values("uint8", (14, 17, 3))
GREY = draw_values("uint16", (14, 17))
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXIF = Image.Exif()
EXIF[0x010F] = "a maker"
TURNED = Image.Exif()
TURNED[0x0112] = 6
TURNED[0x010F] = "a maker"
METADATA = {"exif": EXIF, "icc_profile": PROFILE, "dpi": (300, 300)}


def saved(pixels, kind, **options):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind, **options)
    return content.getvalue()


def identity(images):
    """Map the images of a file to intensities and back, as a denoiser does that changes nothing."""
    scale = choose_scale(images)
    for image in images:
        values, clamped = scale.from_unit(scale.to_unit(image), images.dtype, largest=images.largest)
        assert clamped == 0
        yield values


def copied(path):
    """Write the identity's copy beside a file, and open both."""
    images = open_image_file(path)
    target = path.with_name(output_name(path))
    write_copy(images, target, identity(images))
    return images, open_image_file(target), target


PNGS = {
    "png of 8 bits": encode_png(BYTES),
    "png of 16 bits": encode_png(GREY[..., None]),
    "deep colour png": encode_png(draw_values("uint16", (14, 17, 3))),
    "photograph as png": saved(BYTES, "png", **METADATA),
}
TIFFS = {
    # Of doubles around 0, whose black level is not 0, the last digits are lost.
    f"{name} of {dtype}": tiff_of(
        abs(draw_values(dtype, shape)) if dtype == "float64" else draw_values(dtype, shape), **options
    )
    for name, shape, options in (
        ("grey", (14, 17), {}),
        ("colour", (14, 17, 3), {"photometric": "rgb", "compression": "lzw"}),
        ("planes", (3, 14, 17), {"photometric": "rgb", "planarconfig": "separate"}),
        ("stack", (4, 14, 17), {"photometric": "minisblack", "compression": "zlib"}),
    )
    for dtype in ("uint8", "uint16", "int16", "uint32", "float16", "float32", "float64")
}
KINDS = {
    "inverted": tiff_of(GREY, photometric="miniswhite"),
    "inverted bytes": tiff_of(BYTES[..., 0], photometric="miniswhite", tile=(16, 16)),
    "12 bits": tiff_of(draw_values("uint16", (14, 17), bits=12), bitspersample=12),
    "10 bits in colour": tiff_of(
        draw_values("uint16", (14, 17, 3), bits=10), bitspersample=10, photometric="rgb"
    ),
    "volume": tiff_of(draw_values("uint16", (4, 14, 17)), volumetric=True, photometric="minisblack"),
    "turned": tiff_of(BYTES, photometric="rgb", extratags=[(274, 3, 1, 6, True)]),
    "camera": tiff_of(np.random.default_rng(0).poisson(40, (14, 17)).astype(np.uint16) + 100),
    "photon counts": tiff_of(np.random.default_rng(0).poisson(0.4, (14, 17)).astype(np.float32)),
    "hyperstack of ImageJ": tiff_of(
        draw_values("uint16", (2, 3, 2, 14, 17)),
        writer={"imagej": True},
        metadata={"axes": "TZCYX", "unit": "um"},
    ),
    "hyperstack of OME": tiff_of(
        draw_values("uint16", (2, 3, 14, 17)),
        writer={"ome": True},
        photometric="minisblack",
        metadata={"axes": "TZYX"},
    ),
    "big-endian": tiff_of(
        GREY, writer={"byteorder": ">", "bigtiff": True}, resolution=(9, 7), iccprofile=PROFILE
    ),
}
ROUND_TRIPS = PNGS | TIFFS | KINDS


def test_the_identity_gives_back_values_type_axes_and_metadata(tmp_path):
    """Forty files and more of twelve kinds and more."""
    assert len(ROUND_TRIPS) > 40
    for number, (name, content) in enumerate(ROUND_TRIPS.items()):
        path = tmp_path / f"{number}{'.png' if 'png' in name else '.tif'}"
        path.write_bytes(content)
        before, after, target = copied(path)
        assert (after.container, after.dtype, after.bits) == (before.container, before.dtype, before.bits), (
            name
        )
        assert (len(after), after.shape) == (len(before), before.shape), name
        for ours, theirs in zip(after, before, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
        if before.container == "TIFF":
            with tifffile.TiffFile(path) as original, tifffile.TiffFile(target) as copy:
                assert copy.series[0].axes == original.series[0].axes, name
                assert copy.pages.first.description == original.pages.first.description, name
                assert copy.pages.first.resolution == original.pages.first.resolution, name
                np.testing.assert_array_equal(copy.asarray(), original.asarray(), err_msg=name)
        else:
            assert metadata_of(target.read_bytes()) == metadata_of(content), name


def metadata_of(png):
    return [chunk for chunk in chunks(png) if chunk[0] not in (b"IHDR", b"IDAT", b"IEND")]


def test_the_copy_of_a_turned_png_is_turned_alike(tmp_path):
    content = saved(BYTES, "png", exif=TURNED)
    (tmp_path / "a.png").write_bytes(content)
    copy = copied(tmp_path / "a.png")[2]
    assert metadata_of(copy.read_bytes()) == metadata_of(content)
    np.testing.assert_array_equal(np.asarray(Image.open(copy)), BYTES)


@pytest.mark.parametrize(("kind", "suffix"), [("jpeg", "jpg"), ("webp", "webp")])
def test_the_copy_of_a_photograph_is_an_upright_png_with_its_metadata(tmp_path, kind, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(saved(BYTES, kind, exif=TURNED, icc_profile=PROFILE))
    before, _, target = copied(path)
    with Image.open(target) as copy:
        np.testing.assert_array_equal(np.asarray(copy), next(iter(before)))
        assert (copy.format, copy.size) == ("PNG", (14, 17))
        assert copy.info["icc_profile"] == PROFILE
        assert copy.getexif().get(0x0112, 1) == 1
        assert copy.getexif()[0x010F] == "a maker"


def test_the_resolution_of_a_jpeg_is_kept(tmp_path):
    (tmp_path / "a.jpg").write_bytes(saved(BYTES, "jpeg", dpi=(300, 300)))
    with Image.open(copied(tmp_path / "a.jpg")[2]) as copy:
        assert copy.info["dpi"] == pytest.approx((300, 300), abs=0.02)


def test_the_content_decides_the_format_and_not_the_name(tmp_path):
    (tmp_path / "a.png").write_bytes(tiff_of(GREY))
    (tmp_path / "b.tif").write_bytes(encode_png(BYTES))
    assert open_image_file(tmp_path / "a.png").container == "TIFF"
    assert open_image_file(tmp_path / "b.tif").container == "PNG"
    assert [output_name(tmp_path / name) for name in ("a.png", "b.tif")] == [
        *("a_png_denoised.tif", "b_tif_denoised.png"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.png", PNGS["png of 8 bits"], "a_denoised.png"),
        ("a.PNG", PNGS["png of 16 bits"], "a_denoised.PNG"),
        ("a.b.tif", KINDS["inverted"], "a.b_denoised.tif"),
        ("a.ome.tif", KINDS["inverted"], "a_denoised.ome.tif"),
        ("a", KINDS["inverted"], "a_denoised.tif"),
        ("a.jpg", saved(BYTES, "jpeg"), "a_jpg_denoised.png"),
        ("a.webp", saved(BYTES, "webp"), "a_webp_denoised.png"),
    ],
)
def test_output_keeps_a_lossless_format_and_replaces_others(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    assert output_name(tmp_path / name) == expected


BAD_FILES = {
    "missing": (lambda _: None, "cannot be read.*No such file"),
    "folder": (Path.mkdir, "not a regular file"),
    "zero-byte": (lambda path: path.write_bytes(b""), r"empty \(0 bytes\)"),
    "text": (lambda path: path.write_text("hello"), "not an image.*allowed: BMP, JPEG, PNG, WEBP, TIFF"),
    "truncated png": (lambda path: path.write_bytes(PNGS["png of 8 bits"][:-40]), "damaged"),
    "truncated jpeg": (lambda path: path.write_bytes(saved(BYTES, "jpeg")[:-40]), "damaged"),
    "truncated tiff": (lambda path: path.write_bytes(KINDS["inverted"][:-40]), "damaged"),
    "animation": (
        lambda path: path.write_bytes(
            saved(BYTES, "png", save_all=True, append_images=[Image.fromarray(BYTES[::-1])])
        ),
        "holds 2 frames; allowed: one",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_is_refused_with_its_name_and_the_reason(tmp_path, case):
    write, reason = BAD_FILES[case]
    write(tmp_path / "a.png")
    with pytest.raises(InputError, match=f"a.png: .*({reason})"):
        list(open_image_file(tmp_path / "a.png"))


def failing(images):
    yield from list(images)[:1]
    raise InputError("a.tif: image 2 is damaged")


@pytest.mark.parametrize("old", [None, b"an earlier copy"])
def test_half_a_file_is_never_left(tmp_path, old):
    (tmp_path / "a.tif").write_bytes(TIFFS["stack of uint16"])
    images = open_image_file(tmp_path / "a.tif")
    target = tmp_path / "out.tif"
    if old:
        target.write_bytes(old)
    with pytest.raises(InputError, match="image 2 is damaged"):
        write_copy(images, target, failing(images))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", *(["out.tif"] if old else [])]
    assert not old or target.read_bytes() == old


def test_an_error_of_the_denoiser_is_not_taken_for_damage(tmp_path):
    images = open_image_file(TIFFS["stack of uint16"], where="a.tif")

    def denoised():
        yield next(iter(images))
        raise MemoryError("no memory left on the device")

    with pytest.raises(MemoryError, match="no memory left"):
        write_copy(images, tmp_path / "out.tif", denoised())
    assert not list(tmp_path.iterdir())


def test_a_file_is_in_its_place_only_when_it_is_complete(tmp_path):
    with replacing(tmp_path / "a") as beside:
        beside.write_bytes(b"1")
        assert os.listdir(tmp_path) == [beside.name]  # noqa: PTH208 - names, not paths
    assert (tmp_path / "a").read_bytes() == b"1"


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    images = open_image_file(PNGS["png of 8 bits"], where="a.png")
    with pytest.raises(InputError, match=r"nowhere/a\.png: cannot be written"):
        write_copy(images, tmp_path / "nowhere/a.png", images)
