"""Supervised learning: the upper reference, which alone sees clean images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.method import Batch, Method, Network, squared_error

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from bench.noise import Noise


@dataclass(frozen=True)
class Supervised(Method):
    """Squared error against the clean image: || f(y) - x ||^2."""

    needs = frozenset({"noisy", "clean"})

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Compare with the clean image."""
        return squared_error(net(batch.noisy), batch.clean)

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply the network."""
        return net(noisy)
