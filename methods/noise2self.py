"""Noise2Self (Batson & Royer, ICML 2019): predict a grid of pixels from all other pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn.functional import avg_pool2d

from bench.method import Batch, Method, Network

if TYPE_CHECKING:
    from torch import Tensor

    from bench.noise import Noise

SPACING = 4  # of a grid: one pixel in each cell of 4x4, as published


@dataclass(frozen=True)
class Noise2Self(Method):
    """Squared error at the pixels J of a grid, || f(y)_J - y_J ||^2, where f does not depend on y_J.

    In the network's input each pixel of J is replaced by the mean of its eight neighbours, in which diagonal
    ones have half the weight. f is the network's output minus its input, because adding the input would add
    its noise wherever no pixel is replaced.

    Args:
        inference: ``plain`` denoises images as they are, which is better in the authors' notebook;
            ``invariant`` combines the predictions for all grids.
    """

    needs = frozenset({"noisy"})

    inference: Literal["plain", "invariant"] = "plain"

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Compare f with the noisy image, at the pixels of one grid of each image."""
        y = batch.noisy
        phase = torch.randint(SPACING**2, (len(y), 1, 1, 1), generator=rng, device=y.device)
        masked, f = predict(net, y, phase)
        return SPACING**2 * (masked * (f - y).square()).mean(dim=(1, 2, 3))

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply f once, or once for each grid."""
        if self.inference == "plain":
            return net(noisy) - noisy
        grids = (predict(net, noisy, phase) for phase in range(SPACING**2))
        return sum((masked * f for masked, f in grids), torch.zeros_like(noisy))


def predict(net: Network, y: Tensor, phase: Tensor | int) -> tuple[Tensor, Tensor]:
    """Return the grid of a phase, (H, W) or (B, 1, H, W), and f for it, (B, C, H, W)."""
    row, column = (torch.arange(side, device=y.device) % SPACING for side in y.shape[-2:])
    masked = SPACING * row[:, None] + column == phase
    visible = (~masked).to(y.dtype).expand_as(y)
    both = torch.cat([y * visible, visible])  # two poolings weigh neighbours by [1 2 1] in both directions
    total, weight = avg_pool2d(avg_pool2d(both, 2, stride=1, padding=1), 2, stride=1).chunk(2)
    blinded = torch.where(masked, total / weight.clamp(min=0.01), y)
    return masked, net(blinded) - blinded
