"""Compare the noise of an image with the noise that a denoiser was trained for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import InputError
from bench.noise.blind import UnknownNoise
from bench.noise.identify import measure_growth
from bench.noise.level import estimate_noise

if TYPE_CHECKING:
    import numpy as np

    from bench.noise import Noise

TOO_STRONG = 1.3
# A file clips the noise in flat parts that are nearly black or white, to .6 of its strength or less.
TOO_WEAK = 1 / 1.75


def mismatches(trained: Noise | UnknownNoise, noisy: np.ndarray) -> list[str]:
    """Describe how the noise of an image differs from that of a denoiser, with the evidence.

    Args:
        trained: the noise that the denoiser was trained for.
        noisy: (H, W, C), intensities; a file may have clipped and rounded them.

    Returns:
        One sentence per difference; empty if the image is too small or too flat to measure its noise.
    """
    model = trained.model if isinstance(trained, UnknownNoise) else type(trained)
    growth = measure_growth(noisy)
    if growth is None:
        return []
    if growth.contradicts(model):
        wrong = f"unlike the {model.name} noise (^{model.growth:g}) for which this denoiser was trained"
        return [f"{growth}: like {growth.model.name} noise (^{growth.model.growth:g}), {wrong}"]
    try:
        found = estimate_noise(model, noisy)
    except InputError as error:
        return [str(error)]
    ends = trained.parameters if isinstance(trained, UnknownNoise) else (trained.parameter, trained.parameter)
    weakest, strongest = (float(model(end).stabilised_sd) for end in ends)
    if weakest * TOO_WEAK <= found.stabilised_sd <= strongest * TOO_STRONG:
        return []
    return [
        f"its noise looks like {model.name}:{found.parameter:.3g}, but this denoiser is for {trained.spec}"
    ]
