"""SURE and its variants: an unbiased estimate of the risk, from noisy images and the noise model alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from bench.errors import InputError
from bench.method import Batch, Method, Network
from bench.noise import Gamma, Gaussian, Noise, Poisson

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Sure(Method):
    """Estimates of the squared error against the clean image, from two passes of the network.

    Per pixel, with f = f(y) and a random sign b:

    - Gaussian: ((f1 - y)^2 + (f2 - y)^2) / 2 - sd^2 + (sd^2 / eps) b (f1 - f2), f1 = f(y + eps b), f2 =
      f(y - eps b); unbiased as eps -> 0 (Stein 1981).
    - Poisson and Gamma: a random fraction p of the pixels, where B = 1, is thinned to c, T restores the mean
      of each value, and g = f(T(c)): (f - y)^2 - v + (1 - B) / (1 - p) (g^2 - f^2) - (2 B / p) y (g - f).
      Poisson: c = y - B min(y, zeta), T(c) = c + p min(c, zeta), v = zeta y.
      Gamma: c = y U^B, U ~ Beta(k, 1), T(c) = c / (1 - p / (k + 1)), v = y^2 / (k + 1).

    The latter rests on x E[f(y)] = E[y f(y - zeta)] under Poisson noise (Hudson 1978) and x E[f(y)] =
    E[y f(U y)] under Gamma noise, where one pixel changes and the others do not. Both hold for f(T(c)) too,
    as T acts on each value alone. The estimate is the exact risk of each pixel of f(T(c)) whose own value is
    not thinned, among others of which a fraction p is. Its minimiser is the posterior mean given this own
    value and this background, for any p. The background's mean is that of y, except for single counts under
    Poisson noise, where it is (1 - p^2) zeta. The own value is shifted: f meets T(y) in training, and y in
    denoising. A larger p hides more of the background; with a smaller p the estimate scatters more. The terms
    in f = f(y) reduce the scatter and cancel on average.

    ``risk=first_order`` is the published form, for comparison:

    - Gaussian: (f - y)^2 - sd^2 + (2 sd^2 / eps) b (f(y + eps b) - f)   (Ramani et al. 2008). The second
      image has more noise than the first. A network that distinguishes them returns the first as it is and
      denoises the second; the estimate is then -sd^2.
    - Poisson: (f - y)^2 - zeta y + (2 zeta / eps) b y (f(y + eps b) - f)   (PURE; Luisier et al. 2010).
    - Gamma: (f - y)^2 - y^2 / (k + 1) + (2 / ((k + 1) eps)) b y (f(y + eps b y) - f), from the identity
      E[y g] = x E[g + y g' / k]; exact where f is affine in y_i.

    The bias of the latter is small for a fixed f, but training finds the f that exploits it. If x is known,
    the minimiser has a squared error of zeta^2 / 2 (Poisson) or 2 x^2 / (k (k + 1)) (Gamma) instead of none.

    Args:
        risk: the estimate, exact or as published.
        thinned: p, the fraction of the pixels that is thinned, in (0, 1).
        eps: step of the finite difference, intensities (Gamma: relative to them), > 0. A step of .01 survives
            bfloat16, a much smaller one does not.
    """

    needs = frozenset({"noisy", "noise"})

    risk: Literal["exact", "first_order"] = "exact"
    thinned: float = 0.4
    eps: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.thinned < 1:
            raise InputError(f"sure needs a fraction thinned in (0, 1), but thinned is {self.thinned}")
        if not 0 < self.eps < math.inf:
            raise InputError(f"sure needs a finite step eps > 0, but eps is {self.eps}")

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Estimate the squared error against the clean image."""
        if self.risk == "first_order":
            estimate = self.first_order_risk
        else:
            estimate = self.stein_risk if isinstance(batch.noise, Gaussian) else self.risk_by_thinning
        return estimate(net, batch.noisy, batch.noise, rng).mean(dim=(1, 2, 3))

    def stein_risk(self, net: Network, noisy: Tensor, noise: Noise, rng: torch.Generator) -> Tensor:
        """Estimate the risk of each pixel under Gaussian noise, from two images that are equally noisy."""
        probe = random_signs(noisy, rng)
        above, below = net(torch.cat([noisy + self.eps * probe, noisy - self.eps * probe])).chunk(2)
        squares = ((above - noisy).square() + (below - noisy).square()) / 2
        variance: Tensor = noise.variance(noisy)
        return squares - variance + variance / self.eps * probe * (above - below)

    def first_order_risk(self, net: Network, noisy: Tensor, noise: Noise, rng: torch.Generator) -> Tensor:
        """Estimate the risk of each pixel from the difference of a noisier image."""
        probe = random_signs(noisy, rng)
        step: Tensor
        spread: Tensor | float
        offset: Tensor | float
        match noise:
            case Gaussian(sd=sd):
                step, spread, offset = probe, sd**2, sd**2
            case Poisson(zeta=zeta):
                step, spread, offset = probe, zeta * noisy, zeta * noisy
            case Gamma(k=k):
                step, spread, offset = probe * noisy, noisy / (k + 1), noisy.square() / (k + 1)
        f, shifted = net(torch.cat([noisy, noisy + self.eps * step])).chunk(2)
        divergence = probe * (shifted - f) / self.eps
        return (f - noisy).square() - offset + 2 * spread * divergence

    def risk_by_thinning(self, net: Network, noisy: Tensor, noise: Noise, rng: torch.Generator) -> Tensor:
        """Estimate the risk of each pixel with others thinned, under Poisson or Gamma noise."""
        chosen = torch.empty_like(noisy).bernoulli_(self.thinned, generator=rng)
        match noise:
            case Poisson(zeta=zeta):
                count = zeta * torch.ones_like(noisy)
                # A black pixel has no count to lose: its y (g - f) is zero whatever it becomes.
                rest = noisy - chosen * torch.minimum(noisy.clamp(min=0), count)
                restored = rest + self.thinned * torch.minimum(rest, count)
                offset = zeta * noisy
            case Gamma(k=k):
                rest = noisy * torch.empty_like(noisy).uniform_(generator=rng) ** (chosen / k)
                restored = rest / (1 - self.thinned / (k + 1))
                offset = noisy.square() / (k + 1)
        f, g = net(torch.cat([noisy, restored])).chunk(2)
        squares = (1 - chosen) / (1 - self.thinned) * (g.square() - f.square())
        products = chosen / self.thinned * noisy * (g - f)
        return (f - noisy).square() - offset + squares - 2 * products

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply the network."""
        return net(noisy)


def random_signs(like: Tensor, rng: torch.Generator) -> Tensor:
    """Draw 1 or -1 for each pixel."""
    return torch.empty_like(like).bernoulli_(0.5, generator=rng) * 2 - 1
