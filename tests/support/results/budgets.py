"""Scores of made-up finished runs of different lengths: PSNR linear in the logarithm of the steps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from tests.support.results.scores import made_up

if TYPE_CHECKING:
    from collections.abc import Sequence

TFLOP_A_STEP = {"neighbor2neighbor": 0.5, "noise2void": 1.0, "sure": 2.0, "bm3d": 0.0}
SEES = {
    "neighbor2neighbor": "noisy",
    "noise2void": "noisy",
    "sure": "noisy + noise",
    "bm3d": "noisy + noise, untrained",
}
LENGTHS = (100, 200, 400, 800)
SECONDS_A_TFLOP = 2.0
ADAM = {"optimiser": "adam", "learning_rate": 2e-3}
MUON = {"optimiser": "muon", "learning_rate": 1e-2}


def psnr_after(steps: float, *, gain: float = 0.0) -> float:
    """Return a PSNR that is linear in the logarithm of the steps."""
    return 20 + gain + math.log2(steps)


def made_up_budgets(
    *methods: str,
    lengths: Sequence[int] = LENGTHS,
    seeds: Sequence[int] = (0, 1),
    noises: Sequence[tuple[str, float]] = (("gaussian", 25.0),),
    gain: float = 0.0,
    slowness: float = 1.0,
    **changes: Any,
) -> pd.DataFrame:
    """Make up finished runs of each length; ``gain`` is added to their PSNR."""
    parts = []
    for steps in lengths:
        sees = {method: SEES[method] for method in methods}
        runs = made_up(
            sees, seeds=seeds, noises=noises, sets={"bsd68": ["a.png", "b.png"]}, steps=steps, **changes
        )
        runs["psnr"] = psnr_after(steps, gain=gain) + (runs["image"] == "a.png") - 0.5
        flops = runs["method"].map(TFLOP_A_STEP) * steps * 1e12
        runs["training_flops"] = flops
        runs["training_seconds"] = flops / 1e12 * SECONDS_A_TFLOP * slowness
        runs["key"] += f"-{steps}-{sorted(changes.items())}"
        parts.append(runs)
    return pd.concat(parts).sample(frac=1, random_state=0)
