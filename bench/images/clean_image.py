"""Clean 8-bit images, checked once and identified by the hash of their pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL.TiffImagePlugin import BITSPERSAMPLE, TiffImageFile

from bench.errors import InputError
from bench.images.safe_decode import decode_checked, read_regular_file
from bench.system.safe_names import require_name

if TYPE_CHECKING:
    from PIL import Image

MIN_IMAGE_SIDE = 11
"""Side of the SSIM window in pixels; it has to fit into every image."""

GREY_WEIGHTS = (0.298936, 0.587043, 0.114021)
"""Weights of red, green and blue in grey, those of MATLAB's rgb2gray, which produced the BSD68 files."""

_ALLOWED = "an image set holds 8-bit images (grey, RGB, CMYK or palette)"
_MODES = ("L", "LA", "RGB", "RGBA", "P", "PA", "CMYK")
_CONVERTED = {"CMYK": "CMYK", "P": "palette", "PA": "palette"}


@dataclass(frozen=True, eq=False)
class CleanImage:
    """A clean 8-bit image, read-only, identified by the hash of its pixels.

    Attributes:
        name: file name, such as ``test_001.png``.
        pixels: (H, W, C) uint8, C 1 (grey) or 3 (RGB). Not writable, so that the fingerprint stays true.
        fingerprint: sha256 over shape and pixels, in hex.

    Raises:
        InputError: if the name is not a safe file name; see `require_name`.
    """

    name: str
    pixels: np.ndarray
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        require_name(self.name, of="image")
        shape = "x".join(map(str, self.pixels.shape))
        digest = hashlib.sha256(f"{shape}:".encode() + self.pixels.tobytes())
        object.__setattr__(self, "fingerprint", digest.hexdigest())
        # A view, so that the caller's array stays writable.
        frozen = self.pixels.view()
        frozen.setflags(write=False)
        object.__setattr__(self, "pixels", frozen)

    @property
    def size(self) -> str:
        """Height x width, as messages print it."""
        height, width, _ = self.pixels.shape
        return f"{height}x{width}"


def intensities(image: CleanImage) -> np.ndarray:
    """Convert 8-bit pixels to float32 in [0, 1], (H, W, C)."""
    return image.pixels.astype(np.float32) / np.float32(255)


def grey(pixels: np.ndarray) -> np.ndarray:
    """Convert colour to grey, computed in float64 and rounded to 8 bits.

    Args:
        pixels: (H, W, 3) uint8, RGB.

    Returns:
        (H, W, 1) uint8.
    """
    # Three products and two sums, not a matrix product: BLAS may fuse or reorder, and the bytes are hashed.
    red, green, blue = (weight * pixels[..., i].astype(np.float64) for i, weight in enumerate(GREY_WEIGHTS))
    return np.rint(red + green + blue).astype(np.uint8)[..., None]


def decode(source: Path | bytes, *, name: str, channels: int) -> tuple[CleanImage, tuple[str, ...]]:
    """Decode one 8-bit image file.

    Orientation tags and colour profiles are ignored: only the stored pixels count. JPEG pixels depend on the
    decoder; the manifests are for libjpeg-turbo, which every Pillow wheel contains.

    Args:
        source: the file, or its content.
        name: name of the image.
        channels: 1 converts colour to grey by ``GREY_WEIGHTS``; 3 keeps colour unchanged.

    Returns:
        The image, and a note on each conversion.

    Raises:
        InputError: as `read_regular_file`, `decode_checked` and `CleanImage` do; if the file is not an 8-bit
            image with sides of ``MIN_IMAGE_SIDE`` pixels or more, if it is transparent anywhere, or if it is
            grey and 3 channels are asked for.
    """
    where = _describe_source(source, name)
    content = read_regular_file(source, where=where) if isinstance(source, Path) else source
    image = decode_checked(content, where=where)
    if image is None:
        raise InputError(f"{where}: samples that Pillow cannot read; {_ALLOWED}")
    _require_eight_bits(image, content, where)
    plain, changes = _without_alpha(image, where)
    pixels = np.array(plain.convert("L" if plain.mode == "L" else "RGB"))
    if channels == 1:
        pixels = grey(pixels) if pixels.ndim == 3 else pixels[..., None]
    else:
        _require_colour(pixels, where)
    if image.mode in _CONVERTED:
        changes.append(f"{_CONVERTED[image.mode]} converted to RGB")
    return CleanImage(name, pixels), tuple(f"{name}: {change}" for change in changes)


def _describe_source(source: Path | bytes, name: str) -> str:
    if isinstance(source, bytes):
        return name
    return str(source) if source.name == name else f"{name} ({source})"


def _require_eight_bits(image: Image.Image, content: bytes, where: str) -> None:
    sample = _sample(image, content)
    if sample != "8-bit":
        raise InputError(f"{where}: {sample} samples; {_ALLOWED}")
    if image.mode not in _MODES:
        raise InputError(f"{where}: mode {image.mode}; {_ALLOWED}")
    if min(image.size) < MIN_IMAGE_SIDE:
        raise InputError(
            f"{where}: {image.height}x{image.width} pixels; "
            f"at least {MIN_IMAGE_SIDE}x{MIN_IMAGE_SIDE} are needed, the window of SSIM"
        )


def _sample(image: Image.Image, content: bytes) -> str:
    """Describe the samples of the file; Pillow's mode hides 16-bit colour, which it truncates to 8 bits."""
    if image.mode in ("F", "I"):
        return {"F": "float", "I": "32-bit"}[image.mode]
    if image.mode.startswith("I;16"):
        return "16-bit"
    if image.mode == "1":
        return "1-bit"
    bits = 8
    if image.mode != "P" and image.format == "PNG":
        bits = content[24]  # the bit depth is at a fixed position in a PNG's first chunk
    elif image.mode != "P" and isinstance(image, TiffImageFile):
        bits = max(image.tag_v2.get(BITSPERSAMPLE, (8,)))
    return f"{bits}-bit"


def _without_alpha(image: Image.Image, where: str) -> tuple[Image.Image, list[str]]:
    if not image.has_transparency_data:
        return image, []
    with_alpha = image.convert("RGBA")
    lowest = int(np.asarray(with_alpha.getchannel("A")).min())
    if lowest < 255:
        raise InputError(
            f"{where}: transparent (alpha down to {lowest} of 255); "
            "only a fully opaque alpha channel can be dropped"
        )
    is_grey = image.mode in ("L", "LA")
    return with_alpha.convert("L" if is_grey else "RGB"), ["fully opaque alpha channel dropped"]


def _require_colour(pixels: np.ndarray, where: str) -> None:
    if pixels.ndim == 2 or (pixels == pixels[..., :1]).all():
        raise InputError(
            f"{where}: a grey image, and colour is asked for (3 channels); "
            "remove it, or ask for grey (1 channel)"
        )
