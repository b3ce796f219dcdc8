"""Made-up scores of runs that were trained more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.published.retraining import TrainingRuns, training_runs

if TYPE_CHECKING:
    from collections.abc import Iterable

SETS = {"bsd68": ["a.png", "b.png", "c.png"], "set12": ["01.png", "02.png"]}
Means = dict[tuple[str, float, int], float]
"""Mean PSNR on bsd68 by method, parameter and seed, dB; on set12 it is twice as far from 28."""


def scored(means: Means) -> pd.DataFrame:
    """Make up scores with these means, on images of which some are harder than others."""
    rows = []
    for (method, sigma, seed), mean in means.items():
        for images, files in SETS.items():
            run = {"noise": "gaussian", "parameter": sigma, "images": images, "method": method, "seed": seed}
            run["key"] = f"{method}-{sigma:g}-{seed}"
            level = mean if images == "bsd68" else 28 + 2 * (mean - 28)
            harder = np.linspace(-3, 3, len(files))
            noisy = {"noisy_psnr": 20.0 + seed, "noisy_ssim": 0.4}
            rows += [
                run | noisy | {"image": file, "psnr": level + hard}
                for file, hard in zip(files, harder, strict=True)
            ]
    return pd.DataFrame(rows)


def moved(means: Means, by: Iterable[float]) -> Means:
    """Shift each mean by its own amount."""
    return {run: mean + shift for (run, mean), shift in zip(means.items(), by, strict=True)}


SURE: Means = {("sure", 25.0, 0): 28.0, ("sure", 25.0, 1): 28.4, ("sure", 50.0, 0): 25.0}
VOID: Means = {("noise2void", 25.0, 0): 26.0, ("noise2void", 50.0, 0): 24.0}


def repeat_training(*again: Means) -> TrainingRuns:
    """Pair the runs of ``SURE`` and ``VOID`` with repeated training runs of some of them."""
    named = {f"again-{number}": scored(means) for number, means in enumerate(again)}
    return training_runs(scored(SURE | VOID), named)
