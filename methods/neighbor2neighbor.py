"""Neighbor2Neighbor (Huang et al., CVPR 2021): learn to predict one of two sub-images from the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pixel_unshuffle

from bench.errors import InputError
from bench.method import Batch, Method, Network, squared_error

if TYPE_CHECKING:
    from torch import Tensor

    from bench.noise import Noise


@dataclass(frozen=True)
class Neighbor2Neighbor(Method):
    """|| f(g1 y) - g2 y ||^2 + gamma || f(g1 y) - g2 y - (g1 f(y) - g2 f(y)) ||^2, f(y) without gradient.

    From each cell of 2x2 pixels g1 takes any one, and g2 one beside, above or below it. The second term
    corrects for the clean difference of neighbours. Its weight grows linearly from 0, as in the authors'
    code.

    The sub-images have half the side of a patch. With patches of twice the side they are as large as the
    patches of other methods. Half as many patches cost 7/6 of a supervised step: one pass over the patch
    without gradient, and one over a quarter of its pixels with gradient.

    Args:
        gamma: the weight at the end of training, at least 0.
    """

    needs = frozenset({"noisy"})
    patch_scale = 2

    gamma: float = 2.0

    def __post_init__(self) -> None:
        if not 0 <= self.gamma < math.inf:
            raise InputError(f"neighbor2neighbor needs a finite gamma >= 0, but gamma is {self.gamma}")

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Compare a denoised sub-image with the other."""
        y = batch.noisy
        pair = torch.randint(8, y[:, :1, 1::2, 1::2].shape, generator=rng, device=y.device)
        g1_y, g2_y = neighbours(y, pair)
        with torch.no_grad():
            g1_f, g2_f = neighbours(net(y), pair)
        f = net(g1_y)
        return squared_error(f, g2_y) + self.gamma * progress * squared_error(f - g2_y, g1_f - g2_f)

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply the network to the whole image."""
        return net(noisy)


def neighbours(image: Tensor, pair: Tensor) -> tuple[Tensor, ...]:
    """Take two pixels of each 2x2 cell, ``pair`` (B, 1, h, w) of 8; an odd last row or column is left out."""
    height, width = pair.shape[2:]
    cells = pixel_unshuffle(image[..., : 2 * height, : 2 * width], 2)
    first = pair % 4  # in reading order; the other is in the other column or in the other row
    chosen = torch.stack([first, first ^ (1 + pair // 4)], dim=2).expand(-1, image.shape[1], -1, -1, -1)
    return cells.view(len(image), -1, 4, height, width).gather(2, chosen).unbind(dim=2)
