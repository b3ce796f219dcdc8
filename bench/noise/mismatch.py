"""Whether the noise of a picture is the one for which a denoiser was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import InputError
from bench.noise.blind import UnknownNoise
from bench.noise.identify import growth_of
from bench.noise.level import estimate_noise

if TYPE_CHECKING:
    import numpy as np

    from bench.noise import Noise

TOO_STRONG = 1.3
# A file clips the noise of flat parts that are nearly black or white, to .6 of its strength and less.
TOO_WEAK = 1 / 1.75


def doubts(trained: Noise | UnknownNoise, noisy: np.ndarray) -> list[str]:
    """Say what in a picture speaks against the noise of a denoiser, with the evidence.

    Args:
        trained: for which the denoiser was trained.
        noisy: (H, W, C), intensities; it may have been clipped and rounded by a file.

    Returns:
        A sentence for each doubt. None is raised of pictures that are too small or too flat to tell.
    """
    model = trained.model if isinstance(trained, UnknownNoise) else type(trained)
    growth = growth_of(noisy)
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
