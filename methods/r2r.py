"""Recorrupted-to-Recorrupted (Pang et al., CVPR 2021): split a noisy image into two independent ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from bench.errors import InputError
from bench.method import Batch, Method, Network, WithheldError, squared_error
from bench.noise import Gamma, Gaussian, Noise, Poisson

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class R2R(Method):
    """|| f(y1) - y2 ||^2, where y2 = (y - (1 - alpha) y1) / alpha (Monroy, Bacca & Tachella, CVPR 2025).

    Given x, the two are independent and have mean x:

    - Gaussian: y1 = y + sqrt(alpha / (1 - alpha)) sd w, w ~ N(0, 1).
    - Poisson: y1 = (y - zeta b) / (1 - alpha), b ~ Binomial(y / zeta, alpha).
    - Gamma: y1 = y (1 - w) / (1 - alpha), w ~ Beta(k alpha, k (1 - alpha)).

    The defaults are those of the generalised method; the original, for Gaussian noise alone, took alpha = .2
    (as y1 = y + w / 2, y2 = y - 2 w) and 50 draws.

    Args:
        alpha: the share of the information in y that is kept for y2, in (0, 1).
        draws: recorrupted copies y1 whose estimates are averaged, at least 1.
    """

    needs = frozenset({"noisy", "noise"})

    alpha: float = 0.15
    draws: int = 5

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise InputError(f"r2r needs an alpha in (0, 1), but alpha is {self.alpha}")
        if self.draws < 1:
            raise InputError(f"r2r needs at least 1 draw, but draws is {self.draws}")

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Compare one part with the other."""
        y1 = self.recorrupt(batch.noisy, batch.noise, rng)
        y2 = (batch.noisy - (1 - self.alpha) * y1) / self.alpha
        return squared_error(net(y1), y2)

    def recorrupt(self, y: Tensor, noise: Noise, rng: torch.Generator) -> Tensor:
        """Draw y1 of y, (B, C, H, W)."""
        alpha = self.alpha
        match noise:
            case Gaussian(sd=sd):
                return y + math.sqrt(alpha / (1 - alpha)) * sd * torch.empty_like(y).normal_(generator=rng)
            case Poisson(zeta=zeta):
                counts = (y.detach() / zeta).round().clamp(min=0)  # whole even where zeta is estimated
                return (y - zeta * torch.binomial(counts, torch.full_like(y, alpha), rng)) / (1 - alpha)
            case Gamma(k=k):
                shapes = (k * share * torch.ones_like(y) for share in (1 - alpha, alpha))
                kept, taken = (torch._standard_gamma(shape, rng) for shape in shapes)  # noqa: SLF001
                return y * kept / (kept + taken) / (1 - alpha)
        raise InputError(f"r2r knows no recorruption of {noise.name} noise")

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Average over copies of each image, drawn as if it were alone."""
        if noise is None:
            raise WithheldError("r2r cannot denoise without the noise law")
        level = noise.level
        levels = level[:, None] if isinstance(level, torch.Tensor) else [level] * len(noisy)
        laws = [type(noise)(level) for level in levels]
        rngs = [torch.Generator(noisy.device).manual_seed(0) for _ in laws]
        denoised = torch.zeros_like(noisy)
        for _ in range(self.draws):
            copies = map(self.recorrupt, noisy[:, None], laws, rngs)
            denoised += net(torch.cat(list(copies))) / self.draws
        return denoised
