"""Noise2Score (Kim & Ye, NeurIPS 2021): learn the score of the noisy images, denoise by Tweedie's formula."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bench.errors import InputError
from bench.method import Batch, Method, Network, WithheldError
from bench.noise import Gamma, Gaussian, Level, Noise, Poisson

# Chosen on held-out training photographs; tables/noise2score shows the search. A large perturbation gives the
# loss a signal at the start, a small one leaves little bias at the end. Under Poisson noise it must hide the
# lattice of counts, whose score points to the nearest count: the network would learn to denoise nothing.
RELATIVE_SCHEDULE = {"gaussian": (0.7, 0.2), "poisson": (0.7, 0.4), "gamma": (0.7, 0.2)}
PUBLISHED_SCHEDULE = {"gaussian": (0.05, 0.001), "poisson": (1.0, 0.5), "gamma": (0.05, 0.001)}
COUNTS_ADDED = 2.0
"""Added to the counts under the root: dark counts are then closer together, in units of the perturbation."""
MEAN_U_LIMIT = 3.0
SEARCH_ROUNDS, SEARCH_POINTS = 4, 9


@dataclass(frozen=True)
class Noise2Score(Method):
    """AR-DAE score matching, || u + sigma_a s(v + sigma_a u) ||^2 (Lim et al. 2020; Kim & Ye 2021).

    The network learns the score of the perturbed noisy images v + sigma_a u, not of the noisy images. The
    formula ``two_step`` therefore first removes the perturbation: it uses v + sigma_a^2 s instead of v in the
    paper's formula. For Gaussian noise the result is y + (sigma^2 + sigma_a^2) s.

    One sigma_a fits all intensities only if the noise is uniform, so the score is learned in the domain
    ``stabilised``: v = y, the root of y + 2 zeta (Poisson) or the logarithm (Gamma). Anscombe's root, of
    y + 3 zeta / 8, would make the noise of single counts more uniform, but would leave them further apart
    than the perturbation can hide. ``domain=raw,formula=paper`` is the published form, with its schedules.

    If the parameter of the noise is unknown, the harness's estimate from the noisy image is used instead, in
    training and in denoising. ``level=quality`` estimates it after training as the paper does: it chooses the
    parameter whose denoised image has the least quality penalty.

    Args:
        domain: the variable v whose score is learned.
        formula: how the score is turned into an image.
        start: sigma_a at the first step; in noise standard deviations if the domain is stabilised, else in
            intensities (Poisson: in counts). None: .7 if stabilised, else as published.
        end: sigma_a at the last step, in the same unit. None: .2 if stabilised (Poisson: .4), else as
            published.
        antithetic: average the loss over u and -u, which takes two passes and has a far smaller variance.
            None: if stabilised.
        level: the parameter of the noise in the formula: the given one, or the one with the least quality
            penalty.
    """

    needs = frozenset({"noisy", "noise"})

    domain: Literal["stabilised", "raw"] = "stabilised"
    formula: Literal["two_step", "paper"] = "two_step"
    start: float | None = None
    end: float | None = None
    antithetic: bool | None = None
    level: Literal["given", "quality"] = "given"

    def __post_init__(self) -> None:
        for name, value in (("start", self.start), ("end", self.end)):
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"noise2score needs a finite {name} > 0, but {name} is {value}")

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Match the score at a perturbed v, weighted so that errors are in intensities for every noise."""
        coordinates = self.coordinates(batch.noise)
        v = coordinates.to_v(batch.noisy)
        sigma_a = self.sigma_a(batch.noise, progress)
        u = torch.empty_like(v).normal_(generator=rng)
        if self.antithetic or (self.antithetic is None and self.domain == "stabilised"):
            u = torch.stack([u, -u])
        perturbed = v + sigma_a * u
        error = u + sigma_a * coordinates.score(net, perturbed)
        weight = coordinates.variance / sigma_a * coordinates.slope(perturbed)
        losses = (weight * error).square().mean(dim=(-3, -2, -1))
        return losses.view(-1, len(batch.noisy)).mean(dim=0)

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply the formula to the score at the noisy image, without perturbation."""
        if noise is None:
            raise WithheldError("noise2score cannot denoise without the noise model")
        y, score = self.score_at(net, noisy, noise)
        return self.noise_in_formula(noise, y, score).tweedie(y, score)

    def estimate(self, net: Network, noisy: Tensor, noise: Noise) -> Noise:
        """Return the noise that ``denoise`` uses in the formula."""
        if self.level == "given":
            return noise
        return self.noise_in_formula(noise, *self.score_at(net, noisy, noise))

    def score_at(self, net: Network, noisy: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
        """Return y, for ``two_step`` without the perturbation, and the score of y, both (B, C, H, W)."""
        coordinates = self.coordinates(noise)
        v = coordinates.to_v(noisy)
        score = coordinates.score(net, v)
        if self.formula == "two_step":
            sigma_a = self.sigma_a(noise, torch.ones((), device=noisy.device))
            # E[u given v] is -sigma_a s. Where it exceeds the limit, the score is wrong, as at black pixels
            # under Gamma noise, where s is a residual divided by y.
            v = v + sigma_a * (sigma_a * score).clamp(-MEAN_U_LIMIT, MEAN_U_LIMIT)
        return coordinates.from_v(v), coordinates.raw_score(v, score)

    def noise_in_formula(self, noise: Noise, y: Tensor, score: Tensor) -> Noise:
        """Choose the parameter in the formula; ``quality`` searches the blind range, from coarse to fine."""
        if self.level == "given":
            return noise
        model = type(noise)
        ends = torch.tensor(model.blind_range, device=y.device).log()
        low, high = (end.expand(len(y)) for end in ends)
        fractions = torch.linspace(0, 1, SEARCH_POINTS, device=y.device)
        for _ in range(SEARCH_ROUNDS):
            grid = low + fractions[:, None] * (high - low)
            candidates = [model(parameter.exp().view(-1, 1, 1, 1)) for parameter in grid]
            penalties = [quality_penalty(model, y, candidate.tweedie(y, score)) for candidate in candidates]
            best = torch.stack(penalties).argmin(dim=0, keepdim=True)
            low, high = (
                grid.gather(0, (best + step).clamp(0, SEARCH_POINTS - 1)).squeeze(0) for step in (-1, 1)
            )
        return model(((low + high) / 2).exp().view(-1, 1, 1, 1))

    def sigma_a(self, noise: Noise, progress: Tensor) -> Tensor:
        """Return the perturbation in units of v, 0-d or (B, 1, 1, 1), which is linear in ``progress``."""
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
        if self.domain == "raw":
            return Coordinates(noise)
        return Root(noise) if isinstance(noise, Poisson) else Stabilised(noise)


def quality_penalty(model: type[Noise], y: Tensor, estimate: Tensor) -> Tensor:
    """Compute the quality penalty of an estimate of x (Kim & Ye 2021, section 3.3).

    - Gaussian: the total variation.
    - Poisson: .1 times the total variation, plus the mean of x - y log x.
    - Gamma: the total variation plus the mean of log x + r + r^2, r = y / x.

    Args:
        model: the noise model.
        y: noisy images, (B, C, H, W).
        estimate: estimates of x, the same shape.

    Returns:
        One value for each image, (B,).
    """
    pixels = estimate[0].numel()
    down, across = (estimate.diff(dim=dim).abs().sum(dim=(1, 2, 3)) / pixels for dim in (2, 3))
    variation = down + across
    if model is Gaussian:
        return variation
    positive = estimate.clamp(min=Gamma.darkest)
    if model is Poisson:
        return 0.1 * variation + (positive - y * positive.log()).mean(dim=(1, 2, 3))
    ratio = y / positive
    return variation + (positive.log() + ratio + ratio.square()).mean(dim=(1, 2, 3))


@dataclass(frozen=True)
class Coordinates:
    """Raw intensities: v = y, with the noise variance of a mid-grey."""

    noise: Noise

    @property
    def variance(self) -> Level:
        """The noise variance in v, which scales the network's residual to a score."""
        variance: Level = self.noise.variance(0.5)
        return variance

    def to_v(self, noisy: Tensor) -> Tensor:
        """Change variables from y to v."""
        return noisy

    def from_v(self, v: Tensor) -> Tensor:
        """Change variables from v to y."""
        return v

    def raw_score(self, v: Tensor, score: Tensor) -> Tensor:
        """Convert the score of v to the score of y."""
        return score

    def network_input(self, v: Tensor) -> Tensor:
        """Return the network's input at v."""
        return v

    def slope(self, v: Tensor) -> Tensor:
        """Return the derivative of ``network_input``."""
        return torch.ones_like(v)

    def score(self, net: Network, v: Tensor) -> Tensor:
        """Compute s(v) from the network's residual r = slope(v) variance s(v).

        Args:
            net: maps (B, C, H, W) to the same shape.
            v: (..., B, C, H, W).
        """
        given = self.network_input(v)
        return (net(given.flatten(0, -4)).view_as(given) - given) / (self.slope(v) * self.variance)


@dataclass(frozen=True)
class Stabilised(Coordinates):
    """The variable in which the noise is uniform.

    If the noise differs from image to image, the network's input is scaled so that all have the same noise,
    that of the noise model's example parameter. For Gamma noise the network's input is the intensity exp v.
    """

    @property
    def variance(self) -> Level:
        """The uniform noise variance in v."""
        return self.noise.stabilised_sd**2

    def to_v(self, noisy: Tensor) -> Tensor:
        """Stabilise the noise."""
        return self.noise.stabilise(noisy)

    def from_v(self, v: Tensor) -> Tensor:
        """Invert the stabilisation."""
        return self.noise.unstabilise(v)

    def raw_score(self, v: Tensor, score: Tensor) -> Tensor:
        """Convert the score of v to the score of y."""
        return self.noise.raw_score(v, score)

    @property
    def gain(self) -> Level:
        """Factor that scales each image's noise to that of the example parameter; 1 if all have the same."""
        own = self.noise.stabilised_sd
        return type(self.noise)(self.noise.example).stabilised_sd / own if isinstance(own, Tensor) else 1.0

    def network_input(self, v: Tensor) -> Tensor:
        """Return v, scaled, or exp v for Gamma noise, so that the loss weighs errors in intensities."""
        return torch.exp(v) if isinstance(self.noise, Gamma) else self.gain * v

    def slope(self, v: Tensor) -> Tensor:
        """Return the derivative of ``network_input``."""
        return torch.exp(v) if isinstance(self.noise, Gamma) else self.gain * torch.ones_like(v)


@dataclass(frozen=True)
class Root(Stabilised):
    """v = sqrt(y + 2 zeta), in which Poisson noise is uniform but for the darkest counts."""

    noise: Poisson

    def to_v(self, noisy: Tensor) -> Tensor:
        """Take the root, with y < 0 taken as 0."""
        return torch.sqrt(noisy.clamp(min=0) + COUNTS_ADDED * self.noise.zeta)

    def from_v(self, v: Tensor) -> Tensor:
        """Square v, and remove what was added."""
        return v.clamp(min=0).square() - COUNTS_ADDED * self.noise.zeta
