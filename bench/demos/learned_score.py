"""A small network that learns the score of noisy points by AR-DAE (Lim et al., ICML 2020).

The points of the plane are images of two channels and one pixel, (B, 2, 1, 1), so that the loss that trains
denoisers applies unchanged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bench.errors import InputError
from bench.method import Batch
from bench.seeds import seed_of
from methods.noise2score import Noise2Score

if TYPE_CHECKING:
    from bench.demos.mixture import Mixture
    from bench.noise import Gaussian

STEPS = 2000
BATCH = 4096
HIDDEN = 32
LEARNING_RATE = 2e-2
PERTURBATION = 0.1
"""sigma_a of AR-DAE in units of the noise's standard deviation, the same at every step."""
METHOD = Noise2Score(antithetic=True, start=PERTURBATION, end=PERTURBATION)


@dataclass(frozen=True)
class Budget:
    """The training budget of the network.

    Args:
        steps: number of optimiser steps.
        batch: noisy points per step, each used once.
        seed: seed of the weights, the points and the perturbations.
    """

    steps: int = STEPS
    batch: int = BATCH
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in (("steps", self.steps), ("batch", self.batch)):
            if value < 1:
                raise InputError(f"{name} has to be 1 or more, but is {value}")


class Perceptron(nn.Module):
    """Three layers whose output is added to their input, as methods expect.

    Args:
        scale: scale of the output, in intensities.
        seed: seed of the weights; the last layer starts at zero.
    """

    def __init__(self, *, scale: float, seed: int) -> None:
        super().__init__()
        self.scale = scale
        self.layers = nn.Sequential(
            nn.Linear(2, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, 2)
        )
        rng = torch.Generator().manual_seed(seed_of("demo", "score", "weights", seed))
        enter, middle, leave = (layer for layer in self.layers if isinstance(layer, nn.Linear))
        with torch.no_grad():
            enter.weight.normal_(generator=rng)
            # Spreads the kinks of the units among the points, instead of all near the middle.
            kinks = torch.empty_like(enter.weight).normal_(generator=rng)
            enter.bias.copy_(-(enter.weight * kinks).sum(dim=1))
            middle.weight.normal_(std=math.sqrt(2 / HIDDEN), generator=rng)
            for silent in (middle.bias, leave.weight, leave.bias):
                silent.zero_()

    def forward(self, points: Tensor) -> Tensor:
        """Map points (B, 2, 1, 1), intensities, to the same shape."""
        centred = (points.flatten(1) - 0.5) / 0.25
        residual: Tensor = self.scale * self.layers(centred)
        return points + residual[:, :, None, None]


def train(noisy: Mixture, noise: Gaussian, budget: Budget) -> Perceptron:
    """Learn the score of the noisy points by the loss of `methods.noise2score.Noise2Score`.

    Args:
        noisy: distribution of the noisy points; training sees only fresh points from it.
        noise: the noise of the points.
        budget: steps, batch and seed.
    """
    net = Perceptron(scale=sd_of(noise), seed=budget.seed)
    optimiser = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        LEARNING_RATE,
        total_steps=budget.steps + 1,
        pct_start=0.1,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    points = torch.Generator().manual_seed(seed_of("demo", "score", "points", budget.seed))
    perturbations = torch.Generator().manual_seed(seed_of("demo", "score", "method", budget.seed))
    for step in range(budget.steps):
        batch = Batch({"noisy": as_images(noisy.sample(budget.batch, points))}, noise)
        loss = METHOD.loss(net, batch, perturbations, torch.tensor(step / budget.steps)).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return net.requires_grad_(False)


def read_score(net: nn.Module, noise: Gaussian, points: Tensor) -> Tensor:
    """Read the score from a trained network, points (..., 2) to the same shape, float64."""
    score = METHOD.coordinates(noise).score(net, as_images(points.reshape(-1, 2)))
    return score.double().view(points.shape)


def sd_of(noise: Gaussian) -> float:
    """Return the standard deviation on the intensity scale."""
    return noise.parameter / 255


def as_images(points: Tensor) -> Tensor:
    """Turn points (B, 2) into float32 images (B, 2, 1, 1)."""
    return points.float()[:, :, None, None]
