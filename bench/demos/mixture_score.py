"""The score of a Gaussian mixture: exact, and learned from noisy points by AR-DAE (Lim et al., ICML 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch

from bench.demos.learned_score import METHOD, PERTURBATION, Budget, as_images, read_score, sd_of, train
from bench.demos.mixture import Mixture, example_mixture
from bench.demos.score_errors import Grid, ScoreField, errors_by_density, quadrature, relative_error
from bench.seeds import seed_of

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bench.demos.learned_score import Perceptron
    from bench.noise import Gaussian

SIGMA = 25.0
PAIRS = 200_000
"""Number of pairs of a clean and a noisy point on which denoising is measured."""


@dataclass(frozen=True, eq=False)
class ScoreDemo:
    """The exact and the learned score of noisy points, and how well Tweedie's formula denoises with each.

    Attributes:
        noise: noise of the points.
        clean: distribution of the clean points x.
        budget: budget of the training run.
        learned: the estimate of the score.
        grid: grid over which errors are integrated.
        relative_error: sqrt(E |learned - s|^2 / E |s|^2) over noisy points, s their exact score.
        blur_error: the same error for the exact score of the points that AR-DAE learns from, which are
            blurred once more by sigma_a; it is the only error of an otherwise perfect estimate.
        by_density: as `errors_by_density` returns it.
        mse: mean squared error per coordinate, over the same fresh pairs of points, of ``noisy`` itself and
            of Tweedie's formula with the ``exact`` score (the posterior mean, so the least possible), with
            the ``learned`` one, and of the method's own ``two_step`` formula, which corrects for the blur.
        files: the written files.
    """

    noise: Gaussian
    clean: Mixture
    budget: Budget
    learned: ScoreField
    grid: Grid
    relative_error: float
    blur_error: float
    by_density: pd.DataFrame
    mse: dict[str, float]
    files: tuple[Path, ...] = ()

    @property
    def noisy(self) -> Mixture:
        """The distribution of the noisy points, whose score is learned."""
        return self.clean.blurred(sd_of(self.noise))

    @property
    def text(self) -> str:
        """A summary of the errors in a few lines."""
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
            "network learns too and no training run removes\n"
            f"Tweedie's formula on {PAIRS:,} fresh pairs, mean squared error per coordinate:\n"
        )
        return lines + "\n".join(
            f"  {named[name]:24} {value:.7f}" + (f"  ({value / exact - 1:+.3%})" if name != "exact" else "")
            for name, value in self.mse.items()
        )


def demonstrate(noise: Gaussian, budget: Budget) -> ScoreDemo:
    """Learn the score of the example mixture under a noise, and measure its errors."""
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


def denoising_errors(clean: Mixture, noise: Gaussian, net: Perceptron, *, seed: int) -> dict[str, float]:
    """Compute ``ScoreDemo.mse`` on fresh points."""
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
