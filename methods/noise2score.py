"""Noise2Score (Kim & Ye, NeurIPS 2021): learn the noisy images' score, denoise by Tweedie's formula."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from bench.errors import InputError
from bench.method import Batch, Method, Network, WithheldError
from bench.noise import Gamma, Noise, Poisson

if TYPE_CHECKING:
    from torch import Tensor

# Chosen on photographs outside all test sets (scikit-image's coffee and clock): with 250 or 800 small steps
# it is .35 to .6 dB above .5 to .3 under Poisson and Gamma noise, and level with it under Gaussian noise.
RELATIVE_SCHEDULE = (0.7, 0.5)
PUBLISHED_SCHEDULE = {"gaussian": (0.05, 0.001), "poisson": (1.0, 0.5), "gamma": (0.05, 0.001)}


@dataclass(frozen=True)
class Noise2Score(Method):
    """AR-DAE score matching, || u + sigma_a s(v + sigma_a u) ||^2 (Lim et al. 2020; Kim & Ye 2021).

    The network learns the score of the noisy images blurred once more by sigma_a, not of the noisy images.
    The formula ``two_step`` therefore first denoises that blur, v + sigma_a^2 s, and puts it in the place of
    v in the paper's formula; for Gaussian noise this is y + (sigma^2 + sigma_a^2) s.

    One sigma_a fits all intensities only where the noise is uniform, so the score is learned in the domain
    ``stabilised``: v = y, Anscombe's root (Poisson) or the logarithm (Gamma). ``domain=raw,formula=paper``
    is the published form, with its schedules.

    Args:
        domain: the variable v whose score is learned.
        formula: how the score becomes an image.
        start: sigma_a at the first step; in noise standard deviations where the domain is stabilised, else
            in intensities (Poisson: in counts). None: .7 where stabilised, else as published.
        end: sigma_a at the last step, likewise. None: .5 where stabilised, else as published.
        antithetic: average the loss over u and -u, which takes two passes and spreads far less.
    """

    needs = frozenset({"noisy", "noise"})

    domain: Literal["stabilised", "raw"] = "stabilised"
    formula: Literal["two_step", "paper"] = "two_step"
    start: float | None = None
    end: float | None = None
    antithetic: bool = False

    def __post_init__(self) -> None:
        for name, value in (("start", self.start), ("end", self.end)):
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"noise2score needs a finite {name} > 0, but {name} is {value}")

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Match the score at a perturbed v, weighted so that every noise's residual counts in intensities."""
        coordinates = self.coordinates(batch.noise)
        v = coordinates.enter(batch.noisy)
        sigma_a = self.sigma_a(batch.noise, progress)
        u = torch.empty_like(v).normal_(generator=rng)
        if self.antithetic:
            v, u = torch.cat([v, v]), torch.cat([u, -u])
        perturbed = v + sigma_a * u
        error = u + sigma_a * coordinates.score(net, perturbed)
        weight = coordinates.variance / sigma_a * coordinates.slope(perturbed)
        losses = (weight * error).square().mean(dim=(1, 2, 3))
        return losses.view(-1, len(batch.noisy)).mean(dim=0)

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply the formula to the score at the noisy image itself."""
        if noise is None:
            raise WithheldError("noise2score cannot denoise without the noise law")
        coordinates = self.coordinates(noise)
        v = coordinates.enter(noisy)
        score = coordinates.score(net, v)
        if self.formula == "two_step":
            v = v + self.sigma_a(noise, torch.ones((), device=noisy.device)) ** 2 * score
        return noise.tweedie(coordinates.leave(v), coordinates.raw_score(v, score))

    def sigma_a(self, noise: Noise, progress: Tensor) -> Tensor:
        """Give the perturbation in units of v, 0-d; it moves linearly from start to end, once."""
        if self.domain == "stabilised":
            (first, last), unit = RELATIVE_SCHEDULE, noise.stabilised_sd
        else:
            first, last = PUBLISHED_SCHEDULE[noise.name]
            unit = noise.zeta if isinstance(noise, Poisson) else 1.0
        first = first if self.start is None else self.start
        last = last if self.end is None else self.end
        return unit * (first + (last - first) * progress)

    def coordinates(self, noise: Noise) -> Coordinates:
        """Choose the variable in which the score of this noise is learned."""
        return Stabilised(noise) if self.domain == "stabilised" else Coordinates(noise)


@dataclass(frozen=True)
class Coordinates:
    """Raw intensities: v = y, with the noise variance of a mid-grey."""

    noise: Noise

    @property
    def variance(self) -> float:
        """The noise variance in v, by which the network's residual is a score."""
        return float(self.noise.variance(np.array(0.5)))

    def enter(self, noisy: Tensor) -> Tensor:
        """Change variables from y to v."""
        return noisy

    def leave(self, v: Tensor) -> Tensor:
        """Change variables from v to y."""
        return v

    def raw_score(self, v: Tensor, score: Tensor) -> Tensor:
        """Carry the score of v over to y."""
        return score

    def seen(self, v: Tensor) -> Tensor:
        """Give what the network sees of v."""
        return v

    def slope(self, v: Tensor) -> Tensor:
        """Give the derivative of ``seen``."""
        return torch.ones_like(v)

    def score(self, net: Network, v: Tensor) -> Tensor:
        """Read s(v) from the network's residual r: r = seen'(v) variance s."""
        seen = self.seen(v)
        return (net(seen) - seen) / (self.slope(v) * self.variance)


@dataclass(frozen=True)
class Stabilised(Coordinates):
    """The variable in which the noise is uniform; of a logarithm the network sees the intensity."""

    @property
    def variance(self) -> float:
        """The uniform noise variance in v."""
        return self.noise.stabilised_sd**2

    def enter(self, noisy: Tensor) -> Tensor:
        """Stabilise."""
        return self.noise.stabilise(noisy)

    def leave(self, v: Tensor) -> Tensor:
        """Take the stabilisation back."""
        return self.noise.unstabilise(v)

    def raw_score(self, v: Tensor, score: Tensor) -> Tensor:
        """Change the variable of the score."""
        return self.noise.raw_score(v, score)

    def seen(self, v: Tensor) -> Tensor:
        """Give v, or exp v for Gamma noise, so that the loss weighs errors as intensities."""
        return torch.exp(v) if isinstance(self.noise, Gamma) else v

    def slope(self, v: Tensor) -> Tensor:
        """Give 1, or exp v for Gamma noise."""
        return torch.exp(v) if isinstance(self.noise, Gamma) else torch.ones_like(v)
