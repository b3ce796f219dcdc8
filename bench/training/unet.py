"""The network that every method trains: the U-Net of Noise2Noise, with any width and for any image size."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

DEPTH = 5


class UNet(nn.Module):
    """The U-Net of Lehtinen et al., Noise2Noise, ICML 2018, appendix, whose output is added to its input.

    Five poolings, ``width`` channels in the encoder and twice as many in the decoder, nearest up-sampling,
    LeakyReLU(0.1); 4/3 and 2/3 of the width in the last layers, rounded up to a multiple of 8, which vector
    units compute anyway (64 and 32 at the full width of 48, as published). At width 48 it has about a million
    weights. The last layer starts at zero, so that every method starts from the identity.

    Args:
        channels: 1 for grey, 3 for colour.
        width: channels of every encoder layer.
        seed: seed of the initial weights (He initialisation), which are the same on every device.
    """

    def __init__(self, channels: int, *, width: int, seed: int) -> None:
        super().__init__()
        self.channels, self.width = channels, width
        self.entry = _layer(channels, width)
        self.down = nn.ModuleList(_layer(width, width) for _ in range(DEPTH))
        self.bottom = _layer(width, width)
        wide, narrow = _multiple_of_eight(4 * width / 3), _multiple_of_eight(2 * width / 3)
        self.up = nn.ModuleList(
            _UpBlock(deep, width, 2 * width, 2 * width) for deep in [width] + [2 * width] * (DEPTH - 2)
        )
        self.last = _UpBlock(2 * width, channels, wide, narrow)
        self.exit = _convolution(narrow, channels)
        self._initialise(torch.Generator().manual_seed(seed))

    def _initialise(self, rng: torch.Generator) -> None:
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=0.1, generator=rng)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.zeros_(self.exit.weight)

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape, for any H and W, padded by reflection to multiples of 32."""
        height, width = image.shape[-2:]
        padded = reflect_to_stride(image, 2**DEPTH)
        return image + self._residual(padded)[..., :height, :width]

    def _residual(self, image: Tensor) -> Tensor:
        features = self.entry(image)
        skips = [image]
        for layer in self.down:
            features = functional.max_pool2d(layer(features), 2)
            skips.append(features)
        skips.pop()
        features = self.bottom(features)
        for block in (*self.up, self.last):
            features = block(features, skips.pop())
        result: Tensor = self.exit(features)
        return result


def reflect_to_stride(image: Tensor, stride: int) -> Tensor:
    """Pad (..., H, W) by reflection at the lower and right border until H and W are multiples of ``stride``.

    Unlike ``functional.pad`` it reflects repeatedly if needed, so that even a single pixel can be padded.
    """
    for dim in (-2, -1):
        size = image.shape[dim]
        if size % stride:
            target = -(-size // stride) * stride
            period = max(2 * (size - 1), 1)
            steps = torch.arange(target, device=image.device) % period
            image = image.index_select(dim, torch.minimum(steps, period - steps).clamp(max=size - 1))
    return image


class _UpBlock(nn.Module):
    """One decoder level: double the size, join the skip connection, and convolve twice.

    Args:
        deep: channels of the level below.
        skip: channels of the skip connection.
        joined: channels after the first convolution.
        outgoing: channels after the second.
    """

    def __init__(self, deep: int, skip: int, joined: int, outgoing: int) -> None:
        super().__init__()
        self.join = _Join(deep + skip, joined, kernel_size=3, padding=1)
        self.activation = _activation()
        self.layer = _layer(joined, outgoing)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """Map (B, deep, H, W) and (B, skip, 2 H, 2 W) to (B, outgoing, 2 H, 2 W)."""
        result: Tensor = self.layer(self.activation(self.join(deep, skip)))
        return result


class _Join(nn.Conv2d):
    """The convolution of enlarged features concatenated with a skip connection, without copying either.

    Doubling every pixel and convolving with 3x3 weights is one transposed convolution with 4x4 weights. It
    needs 4/9 of the operations, and the enlarged features are never written to memory.
    """

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:  # type: ignore[override]
        """Map (B, deep, H, W) and (B, skip, 2 H, 2 W) to (B, outgoing, 2 H, 2 W)."""
        weight, skipped = self.weight[:, : deep.shape[1]], self.weight[:, deep.shape[1] :]
        # Each of the four copies of a deep pixel meets 3x3 weights; those in a 2x2 window add up.
        flipped = functional.pad(weight.flip(2, 3), [1, 1, 1, 1])
        spread = 4 * functional.avg_pool2d(flipped, kernel_size=2, stride=1).transpose(0, 1)
        enlarged = functional.conv_transpose2d(deep, spread, self.bias, stride=2, padding=1)
        return enlarged.add_(functional.conv2d(skip, skipped, padding=1))


def _multiple_of_eight(channels: float) -> int:
    return 8 * math.ceil(channels / 8)


def _convolution(incoming: int, outgoing: int) -> nn.Conv2d:
    return nn.Conv2d(incoming, outgoing, kernel_size=3, padding=1)


def _layer(incoming: int, outgoing: int) -> nn.Sequential:
    return nn.Sequential(_convolution(incoming, outgoing), _activation())


def _activation() -> nn.LeakyReLU:
    return nn.LeakyReLU(0.1, inplace=True)
