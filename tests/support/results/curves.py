"""Curves of made-up runs: PSNR at a few steps of training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from tests.support.results.scores import SETUP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE_SETUP = SETUP | {"steps": 1024, "protocol": 2}
STEPS = (64, 128, 256, 512, 1024)
SECONDS_A_STEP, FLOPS_A_STEP = 0.5, 3e12


def psnr_at(seconds: float, *, start: float = 20.0, slope: float = 1.0) -> float:
    """Return a PSNR that is linear in the logarithm of the time."""
    return start + slope * math.log2(seconds)


def made_up_curve(
    method: str = "plain",
    *,
    noise: str = "gaussian",
    parameter: float = 25.0,
    seed: int = 0,
    scored: Sequence[int] = STEPS,
    slope: float = 1.0,
    **changes: Any,
) -> pd.DataFrame:
    """Make up one run's curve, PSNR = 20 + slope log2(seconds)."""
    run = {"method": method, "noise": noise, "parameter": parameter, "images": "set12", "seed": seed}
    run |= {"key": f"{method}-{noise}-{seed}", "sees": "noisy", "precision": "float32"} | CURVE_SETUP
    points = [
        {
            "step": step,
            "seconds": step * SECONDS_A_STEP,
            "flops": step * FLOPS_A_STEP,
            "psnr": psnr_at(step * SECONDS_A_STEP, slope=slope),
        }
        for step in scored
    ]
    return pd.DataFrame([run | point | changes for point in points])


def together(*runs: pd.DataFrame) -> pd.DataFrame:
    """Join runs, in random order of lines."""
    return pd.concat(runs).sample(frac=1, random_state=0)


def panels(figure: Figure) -> list[Axes]:
    """Return the panels that are drawn."""
    return [axes for axes in figure.axes if axes.get_visible()]
