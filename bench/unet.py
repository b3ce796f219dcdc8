"""The one network that every method trains: the U-Net of Noise2Noise, in any width and for any image size."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

DEPTH = 5


class UNet(nn.Module):
    """The U-Net of Lehtinen et al., Noise2Noise, ICML 2018, appendix, whose output is added to its input.

    Five poolings, ``width`` channels on the way down and twice as many on the way up, nearest up-sampling,
    LeakyReLU(0.1). At width 48 it has about a million weights. The last layer starts at zero, so that every
    method starts from the identity.

    Args:
        channels: 1 for grey, 3 for colour.
        width: channels of every layer on the way down.
        seed: of the initial weights (He initialisation); the same on every device.
    """

    def __init__(self, channels: int, *, width: int, seed: int) -> None:
        super().__init__()
        self.channels = channels
        self.entry = _layer(channels, width)
        self.down = nn.ModuleList(_layer(width, width) for _ in range(DEPTH))
        self.bottom = _layer(width, width)
        self.up = nn.ModuleList(
            nn.Sequential(_layer(incoming, 2 * width), _layer(2 * width, 2 * width))
            for incoming in [2 * width] + [3 * width] * (DEPTH - 2)
        )
        self.last = nn.Sequential(
            _layer(2 * width + channels, 4 * width // 3), _layer(4 * width // 3, 2 * width // 3)
        )
        self.exit = _convolution(2 * width // 3, channels)
        self._initialise(torch.Generator().manual_seed(seed))

    def _initialise(self, rng: torch.Generator) -> None:
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=0.1, generator=rng)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.zeros_(self.exit.weight)

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape, any H and W, reflecting the border up to the stride of 32."""
        height, width = image.shape[-2:]
        padded = reflect_to_stride(image, 2**DEPTH)
        return image + self._residual(padded)[..., :height, :width]

    def _residual(self, image: Tensor) -> Tensor:
        features = self.entry(image)
        # Under autocast the features are bfloat16, and concatenating float32 to them would widen them again.
        skips = [image.to(features.dtype)]
        for layer in self.down:
            features = functional.max_pool2d(layer(features), 2)
            skips.append(features)
        skips.pop()
        features = self.bottom(features)
        for layer in (*self.up, self.last):
            features = layer(torch.cat([_enlarge(features), skips.pop()], dim=1))
        result: Tensor = self.exit(features)
        return result


def reflect_to_stride(image: Tensor, stride: int) -> Tensor:
    """Reflect (..., H, W) at its lower and right border until H and W are multiples of ``stride``.

    Unlike ``functional.pad`` it reflects as often as needed, so that a single pixel can be padded too.
    """
    for dim in (-2, -1):
        size = image.shape[dim]
        if size % stride:
            target = -(-size // stride) * stride
            period = max(2 * (size - 1), 1)
            steps = torch.arange(target, device=image.device) % period
            image = image.index_select(dim, torch.minimum(steps, period - steps).clamp(max=size - 1))
    return image


def _convolution(incoming: int, outgoing: int) -> nn.Conv2d:
    return nn.Conv2d(incoming, outgoing, kernel_size=3, padding=1)


def _layer(incoming: int, outgoing: int) -> nn.Sequential:
    return nn.Sequential(_convolution(incoming, outgoing), nn.LeakyReLU(0.1))


def _enlarge(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")
