"""Files that are too large, endless, elsewhere, damaged or of another format are refused."""

import os
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import InputError
from bench.images.clean_image import decode
from bench.images.formats.png_chunks import encode_png
from bench.images.image_file import open_image_file
from bench.images.limits import LARGEST_FILE, LARGEST_IMAGE, MOST_SCANS
from bench.images.safe_decode import FORMATS, decode_checked, read_regular_file, require_inside
from tests.support import forged_images as forged

COLOUR = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
TOO_WIDE = 11_586  # its square is just above LARGEST_IMAGE


def load(content):
    return decode_checked(content, where="a.file")


def first_image(path):
    return next(iter(open_image_file(path)))


# The file


def test_a_file_is_read_whole(tmp_path):
    (tmp_path / "a").write_bytes(bytes(range(256)))
    assert read_regular_file(tmp_path / "a", where="a") == bytes(range(256))


def test_a_sparse_file_of_a_terabyte_is_refused_by_its_size(tmp_path):
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(InputError, match=f"a.png: {2**40} bytes are too large; allowed: {LARGEST_FILE}"):
        read_regular_file(tmp_path / "a.png", where="a.png")


def test_the_largest_file_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.images.safe_decode.LARGEST_FILE", 3)
    (tmp_path / "a").write_bytes(b"abc")
    assert read_regular_file(tmp_path / "a", where="a") == b"abc"
    (tmp_path / "a").write_bytes(b"abcd")
    with pytest.raises(InputError, match="4 bytes"):
        read_regular_file(tmp_path / "a", where="a")


def pipe(path):
    os.mkfifo(path)


def device(path):
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [pipe, device, Path.mkdir])
def test_endless_files_are_not_read(tmp_path, make):
    make(tmp_path / "a.png")
    for read in (lambda path: read_regular_file(path, where=str(path)), first_image):
        with pytest.raises(InputError, match=r"a\.png: not a regular file"):
            read(tmp_path / "a.png")


def test_links_in_a_circle_are_refused(tmp_path):
    (tmp_path / "a.png").symlink_to("b.png")
    (tmp_path / "b.png").symlink_to("a.png")
    require_inside(tmp_path / "a.png", tmp_path)
    with pytest.raises(InputError, match=r"a\.png: cannot be read \(Too many levels"):
        read_regular_file(tmp_path / "a.png", where="a.png")


# Its folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set/deeper").mkdir(parents=True)
    (tmp_path / "set/a.png").touch()
    (tmp_path / "secret.png").touch()
    return tmp_path / "set"


@pytest.mark.parametrize("target", ["a.png", "deeper/../a.png", "missing.png", "../set/a.png"])
def test_a_link_inside_is_followed(folder, target):
    (folder / "link.png").symlink_to(target)
    require_inside(folder / "link.png", folder)


@pytest.mark.parametrize("target", ["../secret.png", "/etc/passwd", "../set.png", "outside.png"])
def test_a_link_out_is_refused_with_where_it_leads(folder, target):
    (folder / "outside.png").symlink_to("../secret.png")
    (folder / "link.png").symlink_to(target)
    with pytest.raises(InputError, match=rf"set/link\.png: leads to /.*, outside of {folder}; put the file"):
        require_inside(folder / "link.png", folder)


def test_a_link_to_a_folder_outside_is_refused(folder, tmp_path):
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match=r"leads to .*/secret\.png"):
        require_inside(folder / "link/secret.png", folder)


def test_the_folder_itself_may_be_a_link(folder, tmp_path):
    (tmp_path / "linked").symlink_to(folder)
    require_inside(tmp_path / "linked/a.png", tmp_path / "linked")
    require_inside(folder / "a.png", tmp_path / "elsewhere", tmp_path / "linked")


def test_a_path_with_a_null_byte_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a path"):
        require_inside(tmp_path / "a\0.png", tmp_path)


# Its size

HUGE = {
    "png": forged.png(60_000, 60_000),
    "png of 16 bits": forged.png(60_000, 60_000, bits=16, colour=2),
    "png, just too large": forged.png(TOO_WIDE, TOO_WIDE),
    "bmp": forged.bmp(60_000, 60_000),
    "jpeg": forged.jpeg(60_000, 60_000),
    "jpeg, just too large": forged.jpeg(TOO_WIDE, TOO_WIDE),
    "webp": forged.webp(16_383, 16_383),
    "webp, just too large": forged.webp(TOO_WIDE, TOO_WIDE),
    "tiff": forged.tiff(60_000, 60_000),
    "tiff of 16 bits": forged.tiff(60_000, 60_000, bits=16),
    "tiff of 16 bits, colour": forged.tiff(60_000, 60_000, bits=16, samples=3),
    "tiff of floats": forged.tiff(60_000, 60_000, bits=32, kind=3),
    "tiff of floats, colour": forged.tiff(60_000, 60_000, bits=32, kind=3, samples=3),
    "tiff of floats, just too large": forged.tiff(TOO_WIDE, TOO_WIDE, bits=32, kind=3, samples=3),
    "tiff of one huge tile": forged.tiff(64, 64, tile=(40_000, 40_000)),
    "tiff of many tall tiles": forged.tiff(11_000, 64, tile=(16, 2**20)),
}


@pytest.mark.parametrize("case", HUGE)
def test_a_huge_image_is_refused_by_its_header(tmp_path, case):
    path = tmp_path / "a.file"
    path.write_bytes(HUGE[case])
    for read in (lambda: decode(path, name="a.file", channels=1), lambda: first_image(path)):
        with pytest.raises(InputError, match=r"a\.file: .*too large.*decompression bomb"):
            read()


def test_the_largest_image_is_not_too_large():
    side = 11_585
    assert side**2 <= LARGEST_IMAGE < (side + 1) ** 2
    with pytest.raises(InputError, match="truncated or damaged"):
        load(forged.png(side, side))


# Time


def test_a_jpeg_of_many_scans_is_refused():
    load(forged.jpeg(16, 16, scans=100))
    with pytest.raises(InputError, match=rf"a\.file: .* scans are too many; allowed: {MOST_SCANS}"):
        load(forged.jpeg(16, 16, scans=MOST_SCANS))


# Its format


OTHER_FORMATS = {
    ".gif": "a GIF file",
    ".pgm": "a Netpbm file",
    ".jp2": "a JPEG 2000 file",
    ".eps": "a PostScript file",
    ".pcx": "not an image",
}


@pytest.mark.parametrize("suffix", OTHER_FORMATS)
def test_other_formats_are_not_decoded(tmp_path, suffix):
    Image.fromarray(COLOUR[..., 0]).save(tmp_path / f"a{suffix}")
    reason = rf"a\.file: {OTHER_FORMATS[suffix]}.*allowed: {', '.join(FORMATS)}"
    with pytest.raises(InputError, match=reason):
        load((tmp_path / f"a{suffix}").read_bytes())


def test_no_program_is_started_for_postscript(tmp_path, monkeypatch):
    marker, program = tmp_path / "marker", tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    Image.fromarray(COLOUR).save(tmp_path / "a.png", "eps")
    for read in (lambda path: decode(path, name="a.png", channels=3), first_image):
        with pytest.raises(InputError, match=r"a\.png: a PostScript file"):
            read(tmp_path / "a.png")
    assert not marker.exists()


# Its checksums

PNGS = {"grey": COLOUR[..., 0], "colour": COLOUR, "16 bits": COLOUR.astype(np.uint16) * 257}
PNGS |= {"flat": np.zeros((512, 512), np.uint8)}  # Pillow alone accepts every fifth damaged one


@pytest.mark.parametrize("case", PNGS)
def test_any_flipped_bit_of_the_pixels_of_a_png_is_found(tmp_path, case):
    path = tmp_path / "a.png"
    content = encode_png(np.atleast_3d(PNGS[case]))
    start, end = content.index(b"IDAT") + 4, content.index(b"IEND") - 8
    draw = random.Random(0)
    for place in draw.sample(range(start, end), 100):
        broken = bytearray(content)
        broken[place] ^= 1 << draw.randrange(8)
        path.write_bytes(broken)
        for read in (lambda: decode(path, name="a.png", channels=1), lambda: first_image(path)):
            with pytest.raises(InputError, match=r"a\.png: .*damaged"):
                read()


def test_a_png_without_its_end_is_cut_off():
    with pytest.raises(InputError, match="truncated"):
        load(forged.png(16, 16, rows=bytes(17 * 16))[:-12])


def test_a_missing_palette_is_found():
    with pytest.raises(InputError, match=r"a\.file: truncated or damaged \(its palette is missing\)"):
        load(forged.png(16, 16, colour=3, rows=bytes(17 * 16)))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_a_tiff_that_other_readers_read_in_part_is_refused(tmp_path, compression):
    Image.fromarray(COLOUR).save(tmp_path / "a.tif", compression=compression)
    content = bytearray((tmp_path / "a.tif").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.tif: truncated or damaged"):
        first_image(tmp_path / "a.tif")
