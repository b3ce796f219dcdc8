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

    The defaults are those of the generalised method. The original, for Gaussian noise only, used alpha = .2
    (as y1 = y + w / 2, y2 = y - 2 w) and 50 draws.

    Args:
        alpha: fraction of the information in y that y2 receives, in (0, 1).
        draws: number of recorrupted copies y1 whose estimates are averaged, at least 1.
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
        """Compare f(y1) with y2."""
        y1 = self.recorrupt(batch.noisy, batch.noise, rng)
        y2 = (batch.noisy - (1 - self.alpha) * y1) / self.alpha
        return squared_error(net(y1), y2)

    def recorrupt(self, y: Tensor, noise: Noise, rng: torch.Generator) -> Tensor:
        """Draw y1 for y, (B, C, H, W)."""
        alpha = self.alpha
        match noise:
            case Gaussian(sd=sd):
                return y + math.sqrt(alpha / (1 - alpha)) * sd * torch.empty_like(y).normal_(generator=rng)
            case Poisson(zeta=zeta):
                counts = (y.detach() / zeta).round().clamp(min=0)  # integers even if zeta is an estimate
                return (y - zeta * torch.binomial(counts, torch.full_like(y, alpha), rng)) / (1 - alpha)
            case Gamma(k=k):
                shapes = (k * fraction * torch.ones_like(y) for fraction in (1 - alpha, alpha))
                # 1 - w is a ratio of Gamma variables.
                kept, removed = (torch._standard_gamma(shape, rng) for shape in shapes)  # noqa: SLF001
                return y * kept / (kept + removed) / (1 - alpha)
        raise InputError(f"r2r is not defined for {noise.name} noise")

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Average over recorrupted copies of each image, drawn as if it were alone in the batch."""
        if noise is None:
            raise WithheldError("r2r cannot denoise without the noise model")
        level = noise.level
        levels = level[:, None] if isinstance(level, torch.Tensor) else [level] * len(noisy)
        noises = [type(noise)(level) for level in levels]
        rngs = [torch.Generator(noisy.device).manual_seed(0) for _ in noises]
        denoised = torch.zeros_like(noisy)
        for _ in range(self.draws):
            copies = map(self.recorrupt, noisy[:, None], noises, rngs)
            denoised += net(torch.cat(list(copies))) / self.draws
        return denoised
