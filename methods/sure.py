"""SURE and its kin: an unbiased estimate of the risk, from noisy images and the noise law alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from bench.errors import InputError
from bench.method import Batch, Method, Network
from bench.noise import Gamma, Gaussian, Noise, Poisson

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Sure(Method):
    """Risk estimates with one Rademacher probe b and a finite difference of step eps.

    Per pixel, with f = f(y):

    - Gaussian: (f - y)^2 - sd^2 + (2 sd^2 / eps) b (f(y + eps b) - f)   (Stein 1981; Ramani et al. 2008);
      unbiased as eps -> 0.
    - Poisson: (f - y)^2 - zeta y + (2 zeta / eps) b y (f(y + eps b) - f)   (PURE; Luisier et al. 2010); of
      first order in zeta, so biased where zeta is large.
    - Gamma: (f - y)^2 - y^2 / (k + 1) + (2 / ((k + 1) eps)) b y (f(y + eps b y) - f), from the identity
      E[y g] = x E[g + y g' / k]; exact where f is affine in y_i.

    A step of .01 survives bfloat16, a much smaller one does not.

    Args:
        eps: step of the finite difference, intensities (Gamma: relative to them), > 0.
    """

    needs = frozenset({"noisy", "noise"})

    eps: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.eps < math.inf:
            raise InputError(f"sure needs a finite step eps > 0, but eps is {self.eps}")

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Estimate the squared error against the clean image."""
        noisy = batch.noisy
        probe = torch.empty_like(noisy).bernoulli_(0.5, generator=rng) * 2 - 1
        step: Tensor
        spread: Tensor | float
        offset: Tensor | float
        match batch.noise:
            case Gaussian(sd=sd):
                step, spread, offset = probe, sd**2, sd**2
            case Poisson(zeta=zeta):
                step, spread, offset = probe, zeta * noisy, zeta * noisy
            case Gamma(k=k):
                step, spread, offset = probe * noisy, noisy / (k + 1), noisy.square() / (k + 1)
        estimate, shifted = net(torch.cat([noisy, noisy + self.eps * step])).chunk(2)
        divergence = probe * (shifted - estimate) / self.eps
        return ((estimate - noisy).square() - offset + 2 * spread * divergence).mean(dim=(1, 2, 3))

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply the network."""
        return net(noisy)
