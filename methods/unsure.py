"""UNSURE (Tachella, Davies & Jacques, ICLR 2025): SURE that learns the level of the noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from bench.errors import InputError
from bench.method import Batch, Method, Network

if TYPE_CHECKING:
    from torch import Tensor

    from bench.noise import Noise


@dataclass(frozen=True)
class Unsure(Method):
    """min over f, max over eta of || f(y) - y ||^2 + 2 eta div f(y), per pixel.

    For eta = sd^2 this is SURE. As a Lagrange multiplier eta makes the mean divergence zero instead, for
    which the level need not be known; the optimum is y + eta s(y), s the score, eta = 1 / E[s^2] >= sd^2.

    The divergence is estimated by a Rademacher probe b: b (f(y + eps b) - f(y - eps b)) / (2 eps), and the
    square by the mean of both, which are equally noisy: as in ``sure``.

    Args:
        eps: step of the finite difference, intensities, > 0.
    """

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})
    multipliers: ClassVar = {"eta": 0.05**2}

    eps: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.eps < math.inf:
            raise InputError(f"unsure needs a finite step eps > 0, but eps is {self.eps}")

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Compare with the noisy image, and weigh the divergence by the multiplier."""
        noisy = batch.noisy
        probe = torch.empty_like(noisy).bernoulli_(0.5, generator=rng) * 2 - 1
        above, below = net(torch.cat([noisy + self.eps * probe, noisy - self.eps * probe])).chunk(2)
        squares = ((above - noisy).square() + (below - noisy).square()) / 2
        divergence = probe * (above - below) / (2 * self.eps)
        return (squares + 2 * batch.multipliers["eta"] * divergence).mean(dim=(1, 2, 3))

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply the network."""
        return net(noisy)
