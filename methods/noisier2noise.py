"""Noisier2Noise (Moran et al., CVPR 2020): learn to take away noise that was added to a noisy image."""

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
    """|| f(z) - y ||^2, where z = y + alpha n adds noise n of the law of y.

    Then f(z) = E[y given z], and E[x given z] = ((1 + alpha^2) f(z) - z) / alpha^2.

    Args:
        alpha: standard deviation of n in units of that of y, > 0. A small one hides less, but is divided by.
        draws: noisier copies whose estimates are averaged, at least 1.
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
        """Apply the rule to noisier copies, whose added noise is the same for every image of a batch."""
        if noise is None:
            raise WithheldError("noisier2noise cannot denoise without the noise law")
        rng = torch.Generator(noisy.device).manual_seed(0)
        denoised = torch.zeros_like(noisy)
        for _ in range(self.draws):
            z = noisy + self.alpha * noise.draw(torch.zeros_like(noisy[:1]), rng)
            denoised += ((1 + self.alpha**2) * net(z) - z) / (self.alpha**2 * self.draws)
        return denoised
