"""Noise2Noise (Lehtinen et al., ICML 2018): one noisy copy learns to predict another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.method import Batch, Method, Network, squared_error

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from bench.noise import Noise


@dataclass(frozen=True)
class Noise2Noise(Method):
    """Squared error against a second noisy copy, || f(y) - y2 ||^2 (equation 6).

    The second copy's noise is independent of the first and has mean zero, so the expectation differs from
    the supervised loss by a constant.
    """

    needs = frozenset({"noisy", "noisy2"})

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Compare with the second copy."""
        return squared_error(net(batch.noisy), batch.noisy2)

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply the network."""
        return net(noisy)
