"""Apply the network to a large image in overlapping tiles, with the result for the whole image.

Only the network is applied in tiles. A method's rule sees the whole image, so that random draws, and choices
that depend on the whole image, are those for the whole image too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch import nn

from bench.errors import InputError
from bench.system.host_memory import available_memory
from bench.training.unet import DEPTH

if TYPE_CHECKING:
    from torch import Tensor

    from bench.method import Network
    from bench.training.unet import UNet

STRIDE: int = 2**DEPTH
BYTES_PER_CHANNEL = 30
"""Memory of a pass, in bytes per pixel and channel of the network's width; 18 to 30 were measured."""

BYTES_PER_VALUE = 24
"""Memory that reading, a method's rule and writing take, in bytes per value of the image."""

USABLE = 0.5
"""Share of the available memory that a pass may take."""

LARGEST_TILE = 2**29
"""Bytes that a pass over a tile may take; larger tiles are hardly faster."""


def reach(net: UNet) -> int:
    """Compute how far from a pixel its denoised value depends on the image, in pixels: the receptive field.

    Each convolution adds half its width, in pixels of its level. Where its position in the blocks that
    are pooled is unfavourable, the value of a pixel depends on up to a block more.
    """
    levels: list[list[nn.Module]] = [
        [net.entry, net.last, net.exit],
        *([block] for block in reversed(net.up)),
    ]
    for level, layer in zip(levels, net.down, strict=True):
        level.append(layer)
    levels.append([net.bottom])
    radius = sum(_half_width(parts) << level for level, parts in enumerate(levels))
    return radius + STRIDE - 1


def _half_width(parts: list[nn.Module]) -> int:
    convolutions = (each for part in parts for each in part.modules() if isinstance(each, nn.Conv2d))
    return sum(convolution.kernel_size[0] // 2 for convolution in convolutions)


def overlap(net: UNet) -> int:
    """Return the overlap of tiles: the reach, rounded up to a multiple of the network's pooling."""
    return -(-reach(net) // STRIDE) * STRIDE


@dataclass(frozen=True)
class Tiled:
    """A network that is applied to overlapping tiles of each image.

    Tiles start at multiples of the network's pooling and overlap by its reach, so that each value is that of
    a pass over the whole image, up to rounding.

    Args:
        net: the network; maps (B, C, h, w) to the same shape.
        side: side of the tiles without their overlap, in pixels, a multiple of the network's pooling.
        rim: width of the overlap, in pixels, likewise.
    """

    net: Network
    side: int
    rim: int

    def __call__(self, image: Tensor) -> Tensor:
        """Apply the network, (B, C, H, W)."""
        result = torch.empty_like(image)
        height, width = image.shape[-2:]
        for top, left in product(range(0, height, self.side), range(0, width, self.side)):
            first_row, first_column = max(0, top - self.rim), max(0, left - self.rim)
            below, right = top + self.side, left + self.side
            for index in range(len(image)):
                tile = image[
                    index : index + 1, :, first_row : below + self.rim, first_column : right + self.rim
                ]
                inner = self.net(tile)[0, :, top - first_row :, left - first_column :]
                place = result[index, :, top:below, left:right]
                place.copy_(inner[:, : place.shape[1], : place.shape[2]])
        return result


def choose_tile(net: UNet, height: int, width: int, *, device: torch.device) -> int | None:
    """Choose the side of the tiles for one image by the memory that is available.

    Returns:
        A multiple of the network's pooling; None if the whole image fits.

    Raises:
        InputError: not even the image itself fits, or not even the smallest tile.
    """
    available = device_memory(device)
    values = net.channels * height * width
    spare = available - BYTES_PER_VALUE * values
    budget = USABLE * spare
    each = BYTES_PER_CHANNEL * net.width
    if each * height * width <= budget:
        return None
    rim = overlap(net)
    side = math.isqrt(int(max(0, min(budget, LARGEST_TILE)) / each)) // STRIDE * STRIDE - 2 * rim
    if side < STRIDE:
        needed = BYTES_PER_VALUE * values + each * (STRIDE + 2 * rim) ** 2 / USABLE
        raise InputError(
            f"an image of {height}x{width} pixels takes {needed / 2**30:.2f} GiB even in tiles, but "
            f"{max(available, 0) / 2**30:.2f} GiB are available on {device}; cut the image into parts, free "
            "some memory, or use another --device"
        )
    return side


def device_memory(device: torch.device) -> int:
    """Return the bytes that are available on a device."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return available_memory()
