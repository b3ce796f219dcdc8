"""Charbonnier (Charbonnier et al., ICIP 1994): supervised learning by a loss that is robust to outliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.method import Batch, Method, Network

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from bench.noise import Noise


@dataclass(frozen=True)
class Charbonnier(Method):
    """sqrt((f(y) - x)^2 + eps^2), a smooth absolute error.

    Args:
        eps: below which errors count by their square, intensities, > 0.
    """

    needs = frozenset({"noisy", "clean"})
    noises = frozenset({"gaussian"})

    eps: float = 0.01

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Compare with the clean image."""
        error = net(batch.noisy) - batch.clean
        return (error.square() + self.eps**2).sqrt().mean(dim=(1, 2, 3))

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply the network."""
        return net(noisy)
