"""The protocol of the benchmark: its version, and the constants that tables print."""

from __future__ import annotations

from typing import Literal

OptimiserName = Literal["muon", "adam"]

PROTOCOL_VERSION = 5
"""Increased whenever the same run would give other numbers; part of every key."""

OPTIMISER: OptimiserName = "muon"
"""Optimiser, unless a recipe sets another."""

LEARNING_RATES: dict[OptimiserName, float] = {"muon": 0.01, "adam": 2e-3}
"""Peak learning rate of each optimiser, unless a recipe sets another."""

CLIP_RATIO = 2.0
"""A gradient is clipped to this multiple of the running mean of its norm."""

LARGEST_PSNR = 100.0
"""The PSNR in dB of an image without any error, which would be infinite."""

NOISE_FORMULAS = {
    "gaussian": "y = x + N(0, (σ/255)²)",
    "poisson": "y = ζ Poisson(x/ζ)",
    "gamma": "y = x Gamma(shape k, rate k)",
}
"""Name of a noise model -> how a noisy value y is drawn from a clean intensity x in [0, 1]."""
