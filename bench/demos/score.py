"""The score of a Gaussian mixture: exact, and learned from noisy points by AR-DAE (Lim et al., ICML 2020).

The points of the plane are images of two channels and one pixel, (B, 2, 1, 1), so that the loss is the very
one that trains denoisers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import torch
from torch import Tensor, nn

from bench.demos.mixture import Mixture
from bench.errors import InputError
from bench.method import Batch
from bench.seeds import seed_of
from methods.noise2score import Noise2Score

if TYPE_CHECKING:
    from pathlib import Path

    from bench.noise import Gaussian

Field = Callable[[Tensor], Tensor]
"""A score field: points (..., 2), intensities, to s(y), the same shape, in 1 / intensity."""

SIGMA = 25.0
STEPS = 2000
BATCH = 4096
HIDDEN = 32
LEARNING_RATE = 2e-2
PERTURBATION = 0.1
"""sigma_a of AR-DAE in noise standard deviations, the same at every step."""
METHOD = Noise2Score(antithetic=True, start=PERTURBATION, end=PERTURBATION)

CELLS = 300
REACH = 4.5
BINS = 16
DECADES = 4
"""Powers of ten below its peak over which densities are binned."""
PAIRS = 200_000


@dataclass(frozen=True)
class Budget:
    """What the estimate is trained with.

    Args:
        steps: of the optimiser.
        batch: noisy points of a step, each seen once.
        seed: of the weights, the points and the perturbations.
    """

    steps: int = STEPS
    batch: int = BATCH
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in (("steps", self.steps), ("batch", self.batch)):
            if value < 1:
                raise InputError(f"{name} has to be 1 or more, but is {value}")


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells of equal area, over which expectations under a density are sums.

    Attributes:
        points: their centres, (CELLS, CELLS, 2), intensities; the first axis runs upwards.
        mass: the probability of each, (CELLS, CELLS), of sum 1.
        area: of one cell, squared intensities.
    """

    points: Tensor
    mass: Tensor
    area: float

    @property
    def density(self) -> Tensor:
        """p(y) at the centres, (CELLS, CELLS)."""
        return self.mass / self.area

    def mean(self, values: Tensor) -> float:
        """Give E[values] of values (CELLS, CELLS)."""
        return float((self.mass * values).sum())


@dataclass(frozen=True, eq=False)
class ScoreDemo:
    """The exact and the learned score of noisy points, and what each is worth to Tweedie's formula.

    Attributes:
        noise: of the points.
        clean: law of the clean points x.
        budget: of the training.
        learned: the estimate of the score.
        grid: over which errors are integrated.
        relative_error: sqrt(E |learned - s|^2 / E |s|^2) under the noisy law, s its exact score.
        blur_error: the same of the exact score of the law that AR-DAE targets, blurred once more by sigma_a;
            an estimate without any other error would show it.
        by_density: one row per bin of density, dense to sparse: ``density`` (geometric mean),
            ``probability``, ``error`` (root mean square of learned - s, over that of s in the whole plane)
            and ``local_error`` (over that of s in the bin).
        mse: mean squared error per coordinate, over the same fresh pairs of points, of ``noisy`` itself and
            of Tweedie's formula with the ``exact`` score (the posterior mean, so the least possible), with
            the ``learned`` one, and of the method's own ``two_step`` formula, which allows for the blur.
        files: what was written.
    """

    noise: Gaussian
    clean: Mixture
    budget: Budget
    learned: Field
    grid: Grid
    relative_error: float
    blur_error: float
    by_density: pd.DataFrame
    mse: dict[str, float]
    files: tuple[Path, ...] = ()

    @property
    def noisy(self) -> Mixture:
        """The law of the noisy points, whose score is sought."""
        return self.clean.blurred(sd_of(self.noise))

    @property
    def text(self) -> str:
        """Say in a few lines how good the score is and what it is worth."""
        dense, sparse = (self.by_density["error"].iloc[place] for place in (0, -1))
        exact = self.mse["exact"]
        named = {"noisy": "noisy points", "exact": "exact score", "learned": "learned score"}
        named["two_step"] = "learned, total variance"
        points = self.budget.steps * self.budget.batch
        lines = (
            f"Score of a Gaussian mixture under noise of sigma {self.noise.parameter:g}/255, "
            f"learned by AR-DAE from {points:,} noisy points, seed {self.budget.seed}:\n"
            f"  relative error {self.relative_error:.2%}, density-weighted; of the score's root mean square, "
            f"{dense:.2%} in the densest regions, {sparse:.0%} in the sparsest drawn\n"
            f"  of this, {self.blur_error:.2%} is the blur of sigma_a = {PERTURBATION:g} sigma, which the "
            "network learns too and no training removes\n"
            f"Tweedie's formula on {PAIRS:,} fresh pairs, mean squared error per coordinate:\n"
        )
        return lines + "\n".join(
            f"  {named[name]:24} {value:.7f}" + (f"  ({value / exact - 1:+.3%})" if name != "exact" else "")
            for name, value in self.mse.items()
        )


def demonstrate(noise: Gaussian, budget: Budget) -> ScoreDemo:
    """Learn the score of the example mixture under a noise, and measure it."""
    clean = example_mixture()
    noisy = clean.blurred(sd_of(noise))
    net = train(noisy, noise, budget)
    learned = partial(read_score, net, noise)
    grid = quadrature(noisy)
    blurred = noisy.blurred(PERTURBATION * sd_of(noise))
    return ScoreDemo(
        noise=noise,
        clean=clean,
        budget=budget,
        learned=learned,
        grid=grid,
        relative_error=relative_error(learned, noisy.score, grid),
        blur_error=relative_error(blurred.score, noisy.score, grid),
        by_density=errors_by_density(learned, noisy.score, grid),
        mse=denoising_errors(clean, noise, net, seed=budget.seed),
    )


def example_mixture() -> Mixture:
    """Give the clean points' law: three tilted, elongated components about the middle of [0, 1]^2."""
    components = (
        (0.40, (0.30, 0.36), (0.12, 0.05), 35),
        (0.35, (0.75, 0.43), (0.06, 0.12), 20),
        (0.25, (0.48, 0.80), (0.14, 0.05), -15),
    )
    weights, means, sds, degrees = zip(*components, strict=True)
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    cosine, sine = torch.cos(angles), torch.sin(angles)
    turn = torch.stack([cosine, -sine, sine, cosine], dim=-1).view(-1, 2, 2)
    scale = torch.diag_embed(torch.tensor(sds, dtype=torch.float64) ** 2)
    return Mixture(
        weights=torch.tensor(weights, dtype=torch.float64),
        means=torch.tensor(means, dtype=torch.float64),
        covariances=turn @ scale @ turn.mT,
    )


class Perceptron(nn.Module):
    """Three layers whose output is added to their input, as the contract of methods has it.

    Args:
        scale: of the output, intensities.
        seed: of the weights; the last layer starts at zero.
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
            # The units' kinks lie where the points are, rather than all near the middle.
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
        noisy: law of the noisy points; of it training sees fresh points alone.
        noise: the noise in them.
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
    """Give the standard deviation on the intensity scale."""
    return noise.parameter / 255


def as_images(points: Tensor) -> Tensor:
    """Take points (B, 2) as float32 images (B, 2, 1, 1)."""
    return points.float()[:, :, None, None]


def quadrature(law: Mixture) -> Grid:
    """Cover the components of a law, each to ``REACH`` standard deviations, by cells of equal area."""
    reach = REACH * torch.diagonal(law.covariances, dim1=1, dim2=2).sqrt()
    low, high = (law.means - reach).amin(dim=0), (law.means + reach).amax(dim=0)
    step = (high - low) / CELLS
    centres = torch.arange(CELLS, dtype=torch.float64)[:, None] + 0.5
    across, up = (low + step * centres).unbind(dim=1)
    points = torch.stack(torch.meshgrid(across, up, indexing="xy"), dim=-1)
    mass = law.log_density(points).exp()
    return Grid(points, mass / mass.sum(), float(step.prod()))


def relative_error(estimate: Field, exact: Field, grid: Grid) -> float:
    """Give sqrt(E |estimate - exact|^2 / E |exact|^2) under the grid's law."""
    truth = exact(grid.points)
    error = (estimate(grid.points) - truth).square().sum(dim=-1)
    return math.sqrt(grid.mean(error) / grid.mean(truth.square().sum(dim=-1)))


def errors_by_density(estimate: Field, exact: Field, grid: Grid) -> pd.DataFrame:
    """Give the estimate's error at each density, as ``ScoreDemo.by_density``; bins of equal ratio."""
    truth = exact(grid.points)
    overall = grid.mean(truth.square().sum(dim=-1))
    cells = pd.DataFrame(
        {
            "level": grid.density.log().flatten(),
            "mass": grid.mass.flatten(),
            "error": (estimate(grid.points) - truth).square().sum(dim=-1).flatten(),
            "square": truth.square().sum(dim=-1).flatten(),
        }
    )
    top = cells["level"].max()
    depth = (top - cells["level"]) / math.log(10) * BINS / DECADES
    cells = cells[depth < BINS]
    groups = cells.groupby(depth[depth < BINS].astype(int))
    error, square = groups["error"].mean(), groups["square"].mean()
    columns = {
        "density": groups["level"].mean().map(math.exp),
        "probability": groups["mass"].sum(),
        "error": (error / overall) ** 0.5,
        "local_error": (error / square) ** 0.5,
    }
    return pd.DataFrame(columns).reset_index(drop=True)


def denoising_errors(clean: Mixture, noise: Gaussian, net: Perceptron, *, seed: int) -> dict[str, float]:
    """Denoise fresh points; see ``ScoreDemo.mse``."""
    rng = torch.Generator().manual_seed(seed_of("demo", "score", "pairs", seed))
    x = clean.sample(PAIRS, rng)
    y = x + sd_of(noise) * torch.randn(x.shape, dtype=torch.float64, generator=rng)
    estimates = {
        "noisy": y,
        "exact": noise.tweedie(y, clean.blurred(sd_of(noise)).score(y)),
        "learned": noise.tweedie(y, read_score(net, noise, y)),
        "two_step": METHOD.denoise(net, as_images(y), noise)[:, :, 0, 0],
    }
    return {name: float((estimate - x).square().mean()) for name, estimate in estimates.items()}
