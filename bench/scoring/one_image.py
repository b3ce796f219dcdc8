"""Denoise one image of any size, whole or in tiles, as the memory allows."""

from __future__ import annotations

import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from bench.errors import InputError
from bench.scoring.tiles import choose_tile
from bench.training.memory import is_out_of_memory

if TYPE_CHECKING:
    import numpy as np

    from bench.scoring.denoiser import Denoiser


def denoise_image(denoiser: Denoiser, intensities: np.ndarray) -> np.ndarray:
    """Denoise one image as a whole, or, where the memory is too small for that, with its network in tiles.

    Both give the same result, up to rounding. Methods without a network are never applied in tiles.

    Args:
        denoiser: the denoiser.
        intensities: (H, W, C).

    Raises:
        InputError: as raised by the denoiser; or the memory is too small even for tiles.
    """
    height, width, _ = intensities.shape
    tile = choose_tile(denoiser.net, height, width, device=denoiser.device)
    noisy = torch.from_numpy(intensities).movedim(-1, 0)[None]
    try:
        denoised: np.ndarray = replace(denoiser, tile=tile)(noisy)[0].movedim(0, -1).cpu().numpy()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)
        raise InputError(
            f"out of memory on {denoiser.device} for an image of {height}x{width} pixels; cut it into parts, "
            "free some memory, or use another --device"
        ) from None
    return denoised
