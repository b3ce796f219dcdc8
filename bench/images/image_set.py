"""Image sets: 8-bit images, each checked once and known by the hash of its pixels."""

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
    from collections.abc import Iterator, Mapping

    from PIL import Image

MIN_IMAGE_SIDE = 11
"""Pixels; the side of the SSIM window, which has to fit into every image."""

GREY_WEIGHTS = (0.298936, 0.587043, 0.114021)
"""Weights of red, green and blue in grey: MATLAB's rgb2gray, by which the BSD68 files were made."""

_ALLOWED = "an image set holds 8-bit images (grey, RGB, CMYK or palette)"
_MODES = ("L", "LA", "RGB", "RGBA", "P", "PA", "CMYK")
_CONVERTED = {"CMYK": "CMYK", "P": "palette", "PA": "palette"}


@dataclass(frozen=True, eq=False)
class CleanImage:
    """A clean 8-bit image, read-only, known by the hash of its pixels.

    Attributes:
        name: file name, such as ``test_001.png``.
        pixels: (H, W, C) uint8, C 1 (grey) or 3 (RGB). Not writable: the fingerprint speaks for these bytes.
        fingerprint: sha256 over shape and pixels, in hex.

    Raises:
        InputError: if the name could not be that of one file, as `require_name` says.
    """

    name: str
    pixels: np.ndarray
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        require_name(self.name, of="image")
        shape = "x".join(map(str, self.pixels.shape))
        digest = hashlib.sha256(f"{shape}:".encode() + self.pixels.tobytes())
        object.__setattr__(self, "fingerprint", digest.hexdigest())
        # A view, so that the array that was handed in stays as writable as it was.
        frozen = self.pixels.view()
        frozen.setflags(write=False)
        object.__setattr__(self, "pixels", frozen)

    @property
    def size(self) -> str:
        """Height x width, as messages print it."""
        height, width, _ = self.pixels.shape
        return f"{height}x{width}"


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Pictures in a fixed order, all grey or all RGB, no two with the same pixels.

    Attributes:
        name: what the set is called in tables.
        images: at least one.
        channels: 1 (grey) or 3 (RGB), the same for every image.
        licence: on which terms the images may be used, as far as known.
        notes: what was converted or left out, one line each, for the reader of a table.

    Raises:
        InputError: if the set is empty, or if two images have the same pixels: noise is keyed by the
            fingerprint, so they would share one noise field and count twice; or if a part of the name, of
            which `/` separates several, is none by `require_name`: folders of stored images are called so.
    """

    name: str
    images: tuple[CleanImage, ...]
    channels: int
    licence: str
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        require_set_name(self.name)
        if not self.images:
            raise InputError(f"image set {self.name!r} is empty; at least one image is needed")
        seen: dict[str, str] = {}
        for image in self:
            if image.fingerprint in seen:
                raise InputError(
                    f"image set {self.name!r}: {seen[image.fingerprint]} and {image.name} have "
                    "identical pixels; leave one of them out"
                )
            seen[image.fingerprint] = image.name

    def __iter__(self) -> Iterator[CleanImage]:
        return iter(self.images)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def fingerprint(self) -> str:
        """Sha256 over the fingerprints of the images, in their order; names do not enter."""
        listed = "\n".join(image.fingerprint for image in self)
        return hashlib.sha256(listed.encode()).hexdigest()


def decode(source: Path | bytes, *, name: str, channels: int) -> tuple[CleanImage, tuple[str, ...]]:
    """Decode one 8-bit image file.

    Orientation tags and colour profiles are left alone: the stored pixels count. JPEG pixels depend on
    the decoder; those of libjpeg-turbo, which every Pillow wheel holds, are the ones of the manifests.

    Args:
        source: the file, or its content.
        name: what the image is called.
        channels: 1 turns colour into grey by ``GREY_WEIGHTS``; 3 keeps colour as it is.

    Returns:
        The image, and a line for each conversion that a reader should know of.

    Raises:
        InputError: as `read_regular_file`, `decode_checked` and `CleanImage` do; if the file is not an 8-bit image with
            sides of ``MIN_IMAGE_SIDE`` pixels or more, if it is transparent anywhere, or if it is grey and 3
            channels are asked for.
    """
    where = _where(source, name)
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


def build_set(
    name: str, files: Mapping[str, Path | bytes], *, channels: int, licence: str, notes: tuple[str, ...] = ()
) -> ImageSet:
    """Decode named files to a set, in the order given.

    Args:
        name: what the set is called.
        files: image name -> file or its content.
        channels: 1 (grey) or 3 (RGB).
        licence: on which terms the images may be used, as far as known.
        notes: lines that stand before those of the conversions.

    Raises:
        InputError: as `decode` and `ImageSet` do.
    """
    decoded = [decode(source, name=file, channels=channels) for file, source in files.items()]
    changes = tuple(line for _, lines in decoded for line in lines)
    return ImageSet(name, tuple(image for image, _ in decoded), channels, licence, notes + changes)


def grey(pixels: np.ndarray) -> np.ndarray:
    """Turn colour into grey, computed in float64 and rounded to 8 bits.

    Args:
        pixels: (H, W, 3) uint8, RGB.

    Returns:
        (H, W, 1) uint8.
    """
    # Three products and two sums, not a matrix product: BLAS may fuse or reorder, and the bytes are hashed.
    red, green, blue = (weight * pixels[..., i].astype(np.float64) for i, weight in enumerate(GREY_WEIGHTS))
    return np.rint(red + green + blue).astype(np.uint8)[..., None]


def require_set_name(name: str) -> None:
    """Check that a set's name leads to no folder but its own.

    Raises:
        InputError: as `require_name` does of each part between slashes.
    """
    for part in name.split("/"):
        require_name(part, of=f"image set {name!r}")


def require_patch(image_set: ImageSet, patch: int) -> None:
    """Check that a training patch fits into every image.

    Args:
        image_set: the training set.
        patch: side of the square patch, in pixels.

    Raises:
        InputError: naming the first image that is smaller.
    """
    for image in image_set:
        if min(image.pixels.shape[:2]) < patch:
            raise InputError(
                f"image set {image_set.name!r}: {image.name} is {image.size} pixels, smaller than the "
                f"training patch of {patch}x{patch}; leave it out or choose a smaller patch"
            )


def require_disjoint(train: ImageSet, test: ImageSet) -> None:
    """Check that no image stands in both sets, whatever its name.

    Crops and re-encoded copies have other pixels and are not found.

    Raises:
        InputError: naming the images that do.
    """
    trained = {image.fingerprint: image.name for image in train}
    shared = [
        f"{trained[image.fingerprint]} = {image.name}" for image in test if image.fingerprint in trained
    ]
    if shared:
        raise InputError(
            f"training set {train.name!r} and test set {test.name!r} share {len(shared)} image(s): "
            f"{', '.join(shared)}; a test image must not be trained on"
        )


def _where(source: Path | bytes, name: str) -> str:
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
    """Say what the file stores per sample; Pillow's mode hides 16-bit colour, which it cuts to 8 bits."""
    if image.mode in ("F", "I"):
        return {"F": "float", "I": "32-bit"}[image.mode]
    if image.mode.startswith("I;16"):
        return "16-bit"
    if image.mode == "1":
        return "1-bit"
    bits = 8
    if image.mode != "P" and image.format == "PNG":
        bits = content[24]  # the bit depth stands at a fixed place in a PNG's first chunk
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
            "take it out, or ask for grey (1 channel)"
        )


def intensities(image: CleanImage) -> np.ndarray:
    """Scale a image's 8-bit pixels to float32 in [0, 1], (H, W, C)."""
    return image.pixels.astype(np.float32) / np.float32(255)
