"""Noisier2Noise (Moran et al., CVPR 2020): learn to remove noise that was added to a noisy image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from bench.errors import InputError
from bench.method import Batch, Method, Network, WithheldError, squared_error

if TYPE_CHECKING:
    from torch import Tensor

    from bench.noise import Noise


@dataclass(frozen=True)
class Noisier2Noise(Method):
    """|| f(z) - y ||^2, where z = y + alpha n, and n is noise with the distribution of the noise in y.

    The minimiser is f(z) = E[y given z], so that E[x given z] = ((1 + alpha^2) f(z) - z) / alpha^2.

    Args:
        alpha: standard deviation of the added noise in units of that in y, > 0. If it is small, z is less
            noisy, but errors of f(z) are divided by a smaller alpha^2.
        draws: number of noisier copies whose estimates are averaged, at least 1.
    """

    needs = frozenset({"noisy", "noise"})
    noises = frozenset({"gaussian"})

    alpha: float = 0.5
    draws: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.alpha < math.inf:
            raise InputError(f"noisier2noise needs a finite alpha > 0, but alpha is {self.alpha}")
        if self.draws < 1:
            raise InputError(f"noisier2noise needs at least 1 draw, but draws is {self.draws}")

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Compare with the noisy image."""
        y = batch.noisy
        z = y + self.alpha * batch.noise.draw(torch.zeros_like(y), rng)
        return squared_error(net(z), y)

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Average over noisier copies, whose added noise is the same for every image of a batch."""
        if noise is None:
            raise WithheldError("noisier2noise cannot denoise without the noise model")
        rng = torch.Generator(noisy.device).manual_seed(0)
        denoised = torch.zeros_like(noisy)
        for _ in range(self.draws):
            z = noisy + self.alpha * noise.draw(torch.zeros_like(noisy[:1]), rng)
            denoised += ((1 + self.alpha**2) * net(z) - z) / (self.alpha**2 * self.draws)
        return denoised
