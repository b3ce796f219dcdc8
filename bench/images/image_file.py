"""Read and write the user's image files at their own bit depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import cv2
import numpy as np

from bench.errors import InputError
from bench.images.safe_decode import decode_checked, read_regular_file

if TYPE_CHECKING:
    from pathlib import Path

Depth = Literal["uint8", "uint16", "float32"]

PEAKS: dict[str, int] = {"uint8": 255, "uint16": 65535, "float32": 1}
"""Depth -> stored value of intensity 1."""

PLAUSIBLE_MEANS = (-0.5, 1.5)
"""Range for the mean of a noisy image in [0, 1]; outside it the floats have another unit."""

WRITABLE: dict[str, tuple[str, ...]] = {
    "uint8": (".png", ".tif", ".tiff"),
    "uint16": (".png", ".tif", ".tiff"),
    "float32": (".tif", ".tiff"),
}
"""Depth -> suffixes of the lossless formats that support it."""

_LZW = (cv2.IMWRITE_TIFF_COMPRESSION, 5)


def read_image(path: Path) -> tuple[np.ndarray, Depth]:
    """Read an image file and rotate it by its orientation tag.

    Args:
        path: a BMP, JPEG, PNG, TIFF or WebP of 8 or 16 bits per sample, or a float32 TIFF.

    Returns:
        The image (H, W, C) float32, C 1 (grey) or 3 (RGB): 8 and 16 bits as fractions of their largest value,
        floats unchanged and never clipped, since noise exceeds [0, 1]; and the depth of the file.

    Raises:
        InputError: as raised by `read_regular_file` and `decode_checked`; or if the image is transparent, has
            another depth, contains NaN or infinity, or has floats that are not fractions of white.
    """
    content = read_regular_file(path, where=str(path))
    # OpenCV returns part of a damaged file, and silently drops further frames and the alpha of grey images.
    image = decode_checked(content, where=str(path))
    if image is not None and image.has_transparency_data:
        raise InputError(f"{path}: has an alpha channel; allowed: grey or RGB without one")
    stored = _decoded(content, path, flags=cv2.IMREAD_UNCHANGED)
    if stored.dtype.name not in PEAKS:
        raise InputError(f"{path}: {stored.dtype.name} samples; allowed: {', '.join(PEAKS)}")
    if stored.ndim == 3 and stored.shape[2] != 3:
        raise InputError(f"{path}: {stored.shape[2]} channels (alpha, or CMYK); allowed: grey or RGB")
    depth = cast("Depth", stored.dtype.name)
    # OpenCV keeps an alpha channel or applies the orientation tag, never both: hence the second decoding.
    upright = _decoded(content, path, flags=cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR)
    if not np.isfinite(upright).all():
        raise InputError(f"{path}: holds NaN or infinity; allowed: finite intensities")
    rgb = np.atleast_3d(upright)[..., ::-1]
    intensities = np.ascontiguousarray(rgb, dtype=np.float32) / np.float32(PEAKS[depth])
    mean = float(intensities.mean(dtype=np.float64))
    if not PLAUSIBLE_MEANS[0] <= mean <= PLAUSIBLE_MEANS[1]:
        raise InputError(
            f"{path}: floats of mean {mean:.4g}; allowed: intensities from 0 (black) to 1 (white), noise "
            "beyond them. Divide them by the value of white"
        )
    return intensities, depth


def write_image(path: Path, image: np.ndarray, depth: Depth) -> None:
    """Write an image file.

    Args:
        path: path of the file; its suffix selects the format.
        image: as for ``encode_image``.
        depth: as for ``encode_image``.

    Raises:
        InputError: as raised by ``encode_image``, or if the file cannot be written.
    """
    try:
        path.write_bytes(encode_image(image, suffix=path.suffix, depth=depth))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error


def encode_image(image: np.ndarray, *, suffix: str, depth: Depth) -> bytes:
    """Encode an image losslessly, clamped to [0, 1] and rounded to the depth.

    Args:
        image: (H, W, C) float, C 1 (grey) or 3 (RGB), intensities in [0, 1].
        suffix: file suffix of the format, one of ``WRITABLE[depth]``.
        depth: as `read_image` returns it.

    Raises:
        InputError: if the format does not support the depth, or the image contains NaN.
    """
    if suffix.lower() not in WRITABLE[depth]:
        raise InputError(f"cannot hold {depth} without loss; allowed: {', '.join(WRITABLE[depth])}")
    if np.isnan(image).any():
        raise InputError("not written, since the image holds NaN; allowed: finite intensities")
    clamped = np.clip(image.astype(np.float64), 0, 1) * PEAKS[depth]
    samples = clamped.astype(np.float32) if depth == "float32" else np.rint(clamped).astype(depth)
    # OpenCV 4's default for float colour TIFF is LogLuv, which is lossy.
    parameters = _LZW if suffix.lower() != ".png" else ()
    _, encoded = cv2.imencode(suffix, np.ascontiguousarray(samples[..., ::-1]), parameters)
    return bytes(encoded)


def output_name(path: Path, depth: Depth) -> str:
    """Return the path of the denoised copy of a file, in a lossless format.

    PNG and TIFF keep their format: ``a.png`` gives ``a_denoised.png``. From any other format, 8 and 16 bits
    become PNG and float32 becomes TIFF: ``a.jpg`` gives ``a_jpg_denoised.png``, so that it does not replace
    the copy of ``a.png`` in the same folder.
    """
    if path.suffix.lower() in WRITABLE[depth]:
        return f"{path.stem}_denoised{path.suffix}"
    return f"{path.stem}_{path.suffix.removeprefix('.')}_denoised{WRITABLE[depth][0]}"


def _decoded(content: bytes, path: Path, *, flags: int) -> np.ndarray:
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise InputError(f"{path}: cannot be decoded ({error.err})") from error
    if image is None:
        raise InputError(f"{path}: not an image that OpenCV can read, or a damaged one")
    return image
