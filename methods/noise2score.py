"""Noise2Score (Kim & Ye, NeurIPS 2021): learn the noisy images' score, denoise by Tweedie's formula."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bench.errors import InputError
from bench.method import Batch, Method, Network, WithheldError
from bench.noise import Gamma, Gaussian, Level, Noise, Poisson

# Chosen on training photographs that were held out; tables/noise2score shows the search. A large perturbation
# has a signal to begin with, a small one little bias at the end. Counts must not show through it: the score
# of a lattice points at its nearest point, and nothing is denoised.
RELATIVE_SCHEDULE = {"gaussian": (0.7, 0.1), "poisson": (0.7, 0.5), "gamma": (0.7, 0.1)}
PUBLISHED_SCHEDULE = {"gaussian": (0.05, 0.001), "poisson": (1.0, 0.5), "gamma": (0.05, 0.001)}
FAR_FETCHED = 3.0
SEARCH_ROUNDS, SEARCH_POINTS = 4, 9


@dataclass(frozen=True)
class Noise2Score(Method):
    """AR-DAE score matching, || u + sigma_a s(v + sigma_a u) ||^2 (Lim et al. 2020; Kim & Ye 2021).

    The network learns the score of the noisy images blurred once more by sigma_a, not of the noisy images.
    The formula ``two_step`` therefore first denoises that blur, v + sigma_a^2 s, and puts it in the place of
    v in the paper's formula; for Gaussian noise this is y + (sigma^2 + sigma_a^2) s.

    One sigma_a fits all intensities only where the noise is uniform, so the score is learned in the domain
    ``stabilised``: v = y, Anscombe's root (Poisson) or the logarithm (Gamma). ``domain=raw,formula=paper``
    is the published form, with its schedules.

    Where the parameter of the noise is unknown, the harness's estimate from the noisy picture stands in its
    place, in training and after. ``level=quality`` estimates it after training as the paper does: by the
    denoised picture of least penalty.

    Args:
        domain: the variable v whose score is learned.
        formula: how the score becomes an image.
        start: sigma_a at the first step; in noise standard deviations where the domain is stabilised, else
            in intensities (Poisson: in counts). None: .7 where stabilised, else as published.
        end: sigma_a at the last step, likewise. None: .1 where stabilised (Poisson: .5), else as published.
        antithetic: average the loss over u and -u, which takes two passes and spreads far less.
        level: the noise's parameter in the formula, as told or that of the least quality penalty.
    """

    needs = frozenset({"noisy", "noise"})

    domain: Literal["stabilised", "raw"] = "stabilised"
    formula: Literal["two_step", "paper"] = "two_step"
    start: float | None = None
    end: float | None = None
    antithetic: bool = False
    level: Literal["told", "quality"] = "told"

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
            u = torch.stack([u, -u])
        perturbed = v + sigma_a * u
        error = u + sigma_a * coordinates.score(net, perturbed)
        weight = coordinates.variance / sigma_a * coordinates.slope(perturbed)
        losses = (weight * error).square().mean(dim=(-3, -2, -1))
        return losses.view(-1, len(batch.noisy)).mean(dim=0)

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply the formula to the score at the noisy image itself."""
        if noise is None:
            raise WithheldError("noise2score cannot denoise without the noise law")
        y, score = self.scored(net, noisy, noise)
        return self.level_of(noise, y, score).tweedie(y, score)

    def estimate(self, net: Network, noisy: Tensor, noise: Noise) -> Noise:
        """Give the noise that ``denoise`` puts into the formula."""
        if self.level == "told":
            return noise
        return self.level_of(noise, *self.scored(net, noisy, noise))

    def scored(self, net: Network, noisy: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Give y, for ``two_step`` denoised of the perturbation, and the score there, both (B, C, H, W)."""
        coordinates = self.coordinates(noise)
        v = coordinates.enter(noisy)
        score = coordinates.score(net, v)
        if self.formula == "two_step":
            sigma_a = self.sigma_a(noise, torch.ones((), device=noisy.device))
            # The mean of u given v is -sigma_a s. Beyond FAR_FETCHED the score is wrong, not the perturbation
            # large: so at black pixels under Gamma noise, where s is a residual divided by y.
            v = v + sigma_a * (sigma_a * score).clamp(-FAR_FETCHED, FAR_FETCHED)
        return coordinates.leave(v), coordinates.raw_score(v, score)

    def level_of(self, noise: Noise, y: Tensor, score: Tensor) -> Noise:
        """Choose the parameter in the formula; ``quality`` searches the law's blind range, coarse to fine."""
        if self.level == "told":
            return noise
        law = type(noise)
        ends = torch.tensor(law.blind_range, device=y.device).log()
        low, high = (end.expand(len(y)) for end in ends)
        shares = torch.linspace(0, 1, SEARCH_POINTS, device=y.device)
        for _ in range(SEARCH_ROUNDS):
            grid = low + shares[:, None] * (high - low)
            candidates = [law(parameter.exp().view(-1, 1, 1, 1)) for parameter in grid]
            penalties = [quality_penalty(law, y, candidate.tweedie(y, score)) for candidate in candidates]
            best = torch.stack(penalties).argmin(dim=0, keepdim=True)
            low, high = (
                grid.gather(0, (best + step).clamp(0, SEARCH_POINTS - 1)).squeeze(0) for step in (-1, 1)
            )
        return law(((low + high) / 2).exp().view(-1, 1, 1, 1))

    def sigma_a(self, noise: Noise, progress: Tensor) -> Tensor:
        """Give the perturbation in units of v, 0-d or (B, 1, 1, 1); it moves linearly, once."""
        if self.domain == "stabilised":
            (first, last), unit = RELATIVE_SCHEDULE[noise.name], noise.stabilised_sd
        else:
            first, last = PUBLISHED_SCHEDULE[noise.name]
            unit = noise.zeta if isinstance(noise, Poisson) else 1.0
        first = first if self.start is None else self.start
        last = last if self.end is None else self.end
        return unit * (first + (last - first) * progress)

    def coordinates(self, noise: Noise) -> Coordinates:
        """Choose the variable in which the score of this noise is learned."""
        return Stabilised(noise) if self.domain == "stabilised" else Coordinates(noise)


def quality_penalty(law: type[Noise], y: Tensor, estimate: Tensor) -> Tensor:
    """Measure how unlike a picture and how unlikely an estimate of x is (Kim & Ye 2021, section 3.3).

    Total variation; for Poisson noise a tenth of it and the negative log-likelihood; for Gamma noise
    with log x + r + r^2, r = y / x.

    Args:
        law: of the noise.
        y: noisy, (B, C, H, W).
        estimate: of x, likewise.

    Returns:
        One value for each image, (B,).
    """
    pixels = estimate[0].numel()
    down, across = (estimate.diff(dim=dim).abs().sum(dim=(1, 2, 3)) / pixels for dim in (2, 3))
    variation = down + across
    if law is Gaussian:
        return variation
    positive = estimate.clamp(min=Gamma.darkest)
    if law is Poisson:
        return 0.1 * variation + (positive - y * positive.log()).mean(dim=(1, 2, 3))
    ratio = y / positive
    return variation + (positive.log() + ratio + ratio.square()).mean(dim=(1, 2, 3))


@dataclass(frozen=True)
class Coordinates:
    """Raw intensities: v = y, with the noise variance of a mid-grey."""

    noise: Noise

    @property
    def variance(self) -> Level:
        """The noise variance in v, by which the network's residual is a score."""
        variance: Level = self.noise.variance(0.5)
        return variance

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
        """Read s(v) from the network's residual r: r = seen'(v) variance s.

        Args:
            net: maps (B, C, H, W).
            v: (..., B, C, H, W), as many batches as the leading dimensions hold.
        """
        seen = self.seen(v)
        return (net(seen.flatten(0, -4)).view_as(seen) - seen) / (self.slope(v) * self.variance)


@dataclass(frozen=True)
class Stabilised(Coordinates):
    """The variable in which the noise is uniform.

    Where the noise differs from image to image, the network sees it scaled to one strength, that of the law's
    usual parameter, and need not guess it. Of a logarithm it sees the intensity.
    """

    @property
    def variance(self) -> Level:
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

    @property
    def gain(self) -> Level:
        """How much weaker the noise is than that of the law's usual parameter; 1 if it is the same in all."""
        own = self.noise.stabilised_sd
        return type(self.noise)(self.noise.example).stabilised_sd / own if isinstance(own, Tensor) else 1.0

    def seen(self, v: Tensor) -> Tensor:
        """Give v scaled, or exp v for Gamma noise, so that the loss weighs errors as intensities."""
        return torch.exp(v) if isinstance(self.noise, Gamma) else self.gain * v

    def slope(self, v: Tensor) -> Tensor:
        """Give the derivative of ``seen``."""
        return torch.exp(v) if isinstance(self.noise, Gamma) else self.gain * torch.ones_like(v)
