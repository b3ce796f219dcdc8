"""TIFF files written by tifffile, as the content of a file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from bench.images.image_file import open_image_file

if TYPE_CHECKING:
    from collections.abc import Iterator


def tiff_of(
    *pages: np.ndarray | Iterator[bytes], writer: dict[str, Any] | None = None, **options: Any
) -> bytes:
    """Write arrays one after another, each with the same options."""
    content = io.BytesIO()
    with tifffile.TiffWriter(content, **(writer or {})) as file:
        for page in pages:
            file.write(page, **options)
    return content.getvalue()


def pixels_in(content: bytes) -> list[np.ndarray]:
    """Read all images of a file."""
    return list(open_image_file(content, where="a.tif"))


def draw_values(dtype: str, shape: tuple[int, ...], *, bits: int | None = None, seed: int = 0) -> np.ndarray:
    """Draw values over the whole range of a type, or of some bits of it."""
    rng, kind = np.random.default_rng(seed), np.dtype(dtype)
    if kind.kind == "f":
        return rng.normal(0.5, 1, shape).astype(kind)
    limits = np.iinfo(kind)
    most = limits.max if bits is None else 2**bits - 1
    return rng.integers(limits.min, most, shape, dtype=kind, endpoint=True)
