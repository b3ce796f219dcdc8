"""Hostile inputs: damaged, forged, too large, misnamed, links, or not regular files."""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from bench.images.clean_image import decode
from bench.images.formats.png_chunks import encode_png
from bench.images.image_file import open_image_file
from bench.images.image_set import ImageSet
from bench.images.limits import MOST_SCANS
from bench.images.sources import SUFFIXES, write_manifest
from tests.support import forged_images as forged
from tests.support.tiffs import tiff_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

Opener = Literal["folder", "registered", "file", "spec"]


@dataclass(frozen=True)
class HostileInput:
    """An input and how it is opened.

    Args:
        kind: its row in the printed table.
        opener: how it is opened: its folder as a set, a registered set, a single file, or a set by name.
        path: the image file, or the name of the set.
        pixels: sha256 of the original's pixels; if they are read, the change did no harm.
        unchecked: whether its format has no checksums, so that it may have become another image.
        channels: of the set that is asked for.
    """

    kind: str
    opener: Opener
    path: str
    pixels: str = ""
    unchecked: bool = False
    channels: int = 1

    @property
    def name(self) -> str:
        """The name that an error has to contain."""
        return self.path.removeprefix("hub:") if self.opener == "spec" else Path(self.path).name


@dataclass(frozen=True)
class Original:
    """An intact image file.

    Args:
        suffix: of its name.
        content: of the file.
        channels: 1 (grey) or 3 (RGB).
    """

    suffix: str
    content: bytes
    channels: int


ENCODERS = {
    ".png": lambda pixels: encode_png(np.atleast_3d(pixels)),
    ".tif": lambda pixels: tiff_of(pixels, compression="lzw", photometric=_colours(pixels)),
}


def _colours(pixels: np.ndarray) -> str:
    return "rgb" if pixels.ndim == 3 else "minisblack"


def _encoded(suffix: str, pixels: np.ndarray) -> bytes:
    if suffix in ENCODERS:
        return ENCODERS[suffix](pixels)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, Image.registered_extensions()[suffix])
    return content.getvalue()


def _tiffs(pixels: np.ndarray) -> Iterator[bytes]:
    """Write TIFF files of other compressions, layouts and sizes of offsets."""
    colours = _colours(pixels)
    for compression in ("zlib", "zstd", "lzma", "packbits", "jpeg", "jpeg2000", "jpegxl"):
        yield tiff_of(pixels, compression=compression, photometric=colours)
    yield tiff_of(pixels, tile=(16, 16), photometric=colours, writer={"bigtiff": True, "byteorder": ">"})
    yield tiff_of(np.stack([pixels] * 3), photometric=colours, writer={"imagej": True})


def originals() -> list[Original]:
    """Make grey and colour images in every format and bit depth."""
    slopes = np.random.default_rng(0).normal(0, 3, (48, 64, 3)).cumsum(1)
    colour = np.clip(slopes + 128, 0, 255).astype(np.uint8)
    made = []
    for pixels, channels in ((colour[..., 0].copy(), 1), (colour, 3)):
        progressive = io.BytesIO()
        Image.fromarray(pixels).save(progressive, "jpeg", progressive=True)
        plain = {suffix: _encoded(suffix, pixels) for suffix in (".png", ".jpg", ".tif", ".webp", ".bmp")}
        deep = {suffix: _encoded(suffix, pixels.astype(np.uint16) * 257) for suffix in (".png", ".tif")}
        floats = _encoded(".tif", pixels.astype(np.float32) / 255)
        made += [Original(suffix, content, channels) for suffix, content in (*plain.items(), *deep.items())]
        made += [Original(".jpg", progressive.getvalue(), channels)]
        made += [Original(".tif", content, channels) for content in (floats, *_tiffs(pixels))]
    return made


ORIGINALS = originals()
COLOUR = next(one for one in ORIGINALS if (one.suffix, one.channels) == (".png", 3))


def hostile_inputs(root: Path, draw: random.Random) -> Iterator[HostileInput]:
    """Write hostile inputs below a folder.

    Args:
        root: an empty folder; ``sets/NAME/`` holds the sets, ``manifests/`` the manifests of registered ones.
        draw: chooses where bytes are changed and files are cut off.
    """
    for folder in ("sets", "manifests", "files"):
        (root / folder).mkdir()
    yield from _changed(root, draw)
    yield from _cut_off(root, draw)
    yield from _contents(root)
    yield from _not_regular_files(root)
    yield from _links(root)
    yield from _names(root)


def _changed(root: Path, draw: random.Random) -> Iterator[HostileInput]:
    for original in ORIGINALS:
        kind = f"bytes changed, {original.suffix}"
        sound = _single_image(root, kind, original.suffix, original.content)
        pixels = sha256(next(iter(open_image_file(Path(sound.path)))).tobytes()).hexdigest()
        for _ in range(6):
            content = _damaged(original.content, draw)
            changed = _single_image(root, kind, original.suffix, content)
            yield replace(changed, pixels=pixels, unchecked=original.suffix != ".png")
            if len(open_image_file(original.content, where="a.tif")) == 1:
                yield _registered(root, f"{kind}, registered", original, content)


def _cut_off(root: Path, draw: random.Random) -> Iterator[HostileInput]:
    for original in ORIGINALS:
        for _ in range(3):
            content = original.content[: draw.randrange(1, len(original.content))]
            yield _single_image(root, "cut off", original.suffix, content)
            yield _folder(root, "cut off", f"a{original.suffix}", content)


HUGE = {
    "a.png": forged.png(60_000, 60_000),
    "b.png": forged.png(60_000, 60_000, bits=16, colour=2),
    "a.bmp": forged.bmp(60_000, 60_000),
    "a.jpg": forged.jpeg(60_000, 60_000),
    "a.webp": forged.webp(16_383, 16_383),
    "a.tif": forged.tiff(60_000, 60_000),
    "b.tif": forged.tiff(60_000, 60_000, bits=16, samples=3),
    "c.tif": forged.tiff(60_000, 60_000, bits=32, kind=3, samples=3),
    "d.tif": forged.tiff(2**31, 1),
    "c.png": forged.png(2**31 - 1, 1),
}


def circular_tiff() -> bytes:
    """Return a TIFF whose second directory is followed by its first."""
    content = bytearray(forged.tiff(16, 16, pages=2))
    content[-4:] = content[4:8]
    return bytes(content)


def inflated_tiff(codec: str) -> bytes:
    """Return a TIFF of 32x16 pixels with a compressed image of 16 megapixels in its strip."""
    black = np.zeros((4000, 4000, 3), np.uint8)
    content = bytearray(tiff_of(black, compression=codec, photometric="rgb", rowsperstrip=4000))
    for tag, value in ((256, 16), (257, 32)):
        entry = content.index(struct.pack("<HHL", tag, 4, 1))
        content[entry + 8 : entry + 12] = struct.pack("<L", value)
    return bytes(content)


def _bombs() -> dict[str, bytes]:
    side = 12_000
    return {
        "zeros.png": forged.png(side, side, rows=bytes((side + 1) * side)),
        "scans.jpg": forged.jpeg(11_500, 11_500, scans=20 * MOST_SCANS),
        "pages.tif": forged.tiff(16, 16, pages=100_000),
        "pages of floats.tif": forged.tiff(16, 16, bits=32, kind=3, samples=3, pages=2),
        "tile.tif": forged.tiff(64, 64, tile=(40_000, 40_000)),
        "tiles.tif": forged.tiff(11_000, 64, tile=(16, 2**20)),
        "directory.tif": forged.big_tiff(2**40) + bytes(2**22),
        "circle.tif": circular_tiff(),
        **{f"{codec} inside.tif": inflated_tiff(codec) for codec in ("jpeg", "jpeg2000", "jpegxl", "webp")},
    }


FOREIGN = {
    "text": b"hello",
    "html": b"<script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n(x) run\n%%EOF\n",
    "pickle": b"cos\nsystem\n(S'touch marker'\ntR.",
    "program": b"\x7fELF\x02\x01\x01" + bytes(64),
    "script": b"#!/bin/sh\ntouch marker\n",
    "archive": b"PK\x03\x04" + bytes(64),
    "gif": b"GIF89a\x40\0\x40\0\x80\0\0\0\0\0\xff\xff\xff;",
    "only a header": b"\x89PNG\r\n\x1a\n",
    "zeros": bytes(4096),
}


def _contents(root: Path) -> Iterator[HostileInput]:
    for name, content in HUGE.items():
        yield _folder(root, "huge by its header", name, content)
        yield _single_image(root, "huge by its header", f".{name.rpartition('.')[2]}", content)
    for name, content in _bombs().items():
        yield _folder(root, "bomb", name, content)
        yield _single_image(root, "bomb", f".{name.rpartition('.')[2]}", content)
    for suffix in SUFFIXES:
        yield _folder(root, "empty", f"a{suffix}", b"")
        yield _single_image(root, "empty", suffix, b"")
    for content in FOREIGN.values():
        yield _folder(root, "not an image", "a.png", content)
        yield _single_image(root, "not an image", ".tif", content)


def _not_regular_files(root: Path) -> Iterator[HostileInput]:
    for make in (os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"), _sparse):
        for place in (_new_folder(root, "sets") / "a.png", _new_folder(root, "files") / "a.png"):
            make(place)
            opener: Opener = "folder" if place.is_relative_to(root / "sets") else "file"
            yield HostileInput("not a regular file, or endless", opener, str(place))


LINKS = ["../../secret.png", "/etc/passwd", "/dev/zero", "../../missing.png", "../../up/secret.png", "a.png"]


def _links(root: Path) -> Iterator[HostileInput]:
    secret = root / "secret.png"
    secret.write_bytes(COLOUR.content)
    (root / "up").symlink_to(root)
    for target in [*LINKS, str(secret)]:
        file = _new_folder(root, "sets") / "a.png"
        file.symlink_to(target)
        yield HostileInput("link out, or in a circle", "folder", str(file))
    registered = _registered(root, "link out, or in a circle", COLOUR, b"")
    Path(registered.path).unlink()
    Path(registered.path).symlink_to(secret)
    yield replace(registered, pixels="")


CONTROLLING = ["\n", "\r", "\t", "\x1b[2J", "\x1b]0;title\x07", "\x1b[1A\x1b[2K", "\x7f", "\x9b2J"]
CONTROLLING += ["\u2028", "\u202e", "\u2066", os.fsdecode(b"\xff\xfe")]
MARKUP = ["<script>alert(1)<", "<img src=x onerror=alert(1)>", "&lt;", '"><svg onload=alert(1)>']
MARKUP += ["[link=x]a[", "${x}", "`x`", "%s%n", "'; x"]
LEADING = ["../..", "../x", "a/../../x", "a/b@../../x", "a/b@x/../..", "a/b:x/../y", "a/b@\n", "a/b@\x1b[2J"]
LEADING += ["a/b:\0", "/etc/x"]


def _names(root: Path) -> Iterator[HostileInput]:
    cut = COLOUR.content[:-20]
    for controlling in CONTROLLING:
        yield _folder(root, "name with control characters", f"a{controlling}b.png", COLOUR.content)
        yield _single_image(root, "name with control characters", ".png", cut, stem=f"a{controlling}b")
    for stem in MARKUP:
        yield _folder(root, "name with markup, cut off", f"{stem}.png", cut)
        yield _single_image(root, "name with markup, cut off", ".png", cut, stem=stem)
    for leading in LEADING:
        yield HostileInput("name that leads elsewhere", "spec", f"hub:{leading}")


def _damaged(content: bytes, draw: random.Random) -> bytes:
    """Flip some bits, or overwrite some adjacent bytes."""
    changed = bytearray(content)
    if draw.random() < 0.6:
        for place in draw.sample(range(len(changed)), draw.choice((1, 1, 3, 10))):
            changed[place] ^= 1 << draw.randrange(8)
    else:
        start, length = draw.randrange(len(changed)), draw.randrange(1, 64)
        changed[start : start + length] = draw.randbytes(len(changed[start : start + length]))
    return bytes(changed)


def _single_image(root: Path, kind: str, suffix: str, content: bytes, *, stem: str = "a") -> HostileInput:
    file = _new_folder(root, "files") / f"{stem}{suffix}"
    file.write_bytes(content)
    return HostileInput(kind, "file", str(file))


def _folder(root: Path, kind: str, name: str, content: bytes) -> HostileInput:
    file = _new_folder(root, "sets") / name
    file.write_bytes(content)
    return HostileInput(kind, "folder", str(file))


def _registered(root: Path, kind: str, original: Original, content: bytes) -> HostileInput:
    """Write a registered set of one image, whose manifest is that of the original."""
    made = _folder(root, kind, f"a{original.suffix}", content)
    (image, *_), _ = decode(original.content, name=made.name, channels=original.channels)
    write_manifest(
        ImageSet("made", (image,), original.channels, "", ()),
        root / "manifests" / f"{Path(made.path).parent.name}.csv",
    )
    pixels = sha256(image.pixels.tobytes()).hexdigest()
    return replace(made, opener="registered", pixels=pixels, channels=original.channels)


def _new_folder(root: Path, kind: str) -> Path:
    place = root / kind / f"{len(list((root / kind).iterdir())):03}"
    place.mkdir()
    return place


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)
