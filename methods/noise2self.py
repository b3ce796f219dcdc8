"""Noise2Self (Batson & Royer, ICML 2019): predict a grid of pixels from all the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn.functional import avg_pool2d

from bench.method import Batch, Method, Network

if TYPE_CHECKING:
    from torch import Tensor

    from bench.noise import Noise

WIDTH = 4  # of a grid, one pixel of 4x4, as published


@dataclass(frozen=True)
class Noise2Self(Method):
    """Squared error at the pixels J of a grid, || f(y)_J - y_J ||^2, where f does not see y_J.

    The network sees there the mean of the neighbours, those at the corners by half. Its output less its input
    is f, since with its input all the noise would come back where nothing is hidden.

    Args:
        inference: ``plain`` denoises images as they are, better in the authors' notebook; ``invariant`` puts
            the predictions of all grids together.
    """

    needs = frozenset({"noisy"})

    inference: Literal["plain", "invariant"] = "plain"

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Compare at one grid of each image with the noisy image."""
        y = batch.noisy
        phase = torch.randint(WIDTH**2, (len(y), 1, 1, 1), generator=rng, device=y.device)
        masked, f = predict(net, y, phase)
        return WIDTH**2 * (masked * (f - y).square()).mean(dim=(1, 2, 3))

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply f once, or once for every grid."""
        if self.inference == "plain":
            return net(noisy) - noisy
        grids = (predict(net, noisy, phase) for phase in range(WIDTH**2))
        return sum((masked * f for masked, f in grids), torch.zeros_like(noisy))


def predict(net: Network, y: Tensor, phase: Tensor | int) -> tuple[Tensor, Tensor]:
    """Give the grid of a phase, (H, W) or (B, 1, H, W), and f without its pixels, (B, C, H, W)."""
    row, column = (torch.arange(side, device=y.device) % WIDTH for side in y.shape[-2:])
    masked = WIDTH * row[:, None] + column == phase
    seen = (~masked).to(y.dtype).expand_as(y)
    both = torch.cat([y * seen, seen])  # which are weighted by [1 2 1] down and across
    total, weight = avg_pool2d(avg_pool2d(both, 2, stride=1, padding=1), 2, stride=1).chunk(2)
    shown = torch.where(masked, total / weight.clamp(min=0.01), y)
    return masked, net(shown) - shown
