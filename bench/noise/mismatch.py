"""Compare the noise of an image with the noise that a denoiser was trained for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import InputError
from bench.noise.blind import UnknownNoise
from bench.noise.measured import measure_noise

if TYPE_CHECKING:
    import numpy as np

    from bench.noise import Noise
    from bench.noise.measured import MeasuredNoise

# Between 1, and 1.5, from which a different strength must be noticed, with room for errors of the estimate.
TOO_STRONG = 1.3
TOO_WEAK = 1 / 1.3


def mismatches(trained: Noise | UnknownNoise, noisy: np.ndarray) -> list[str]:
    """Describe how the noise of an image differs from that of a denoiser, with the evidence.

    Args:
        trained: the noise that the denoiser was trained for.
        noisy: (H, W, C), intensities; a file may have clipped and rounded them.

    Returns:
        One sentence per difference, or about what the image does not show.
    """
    model = trained.model if isinstance(trained, UnknownNoise) else type(trained)
    measured = measure_noise(noisy)
    growth, said = measured.growth, measured.remarks()
    if not isinstance(growth, str) and growth.contradicts(model):
        if not growth.contradicts(growth.model):
            wrong = f"unlike the {model.name} noise (^{model.growth:g}) for which this denoiser was trained"
            said.append(f"{growth}: like {growth.model.name} noise (^{growth.model.growth:g}), {wrong}")
    elif not measured.correlation.neighbours:
        said += _other_strength(trained, model, measured)
    return said


def _other_strength(trained: Noise | UnknownNoise, model: type[Noise], measured: MeasuredNoise) -> list[str]:
    try:
        found = measured.level(model)
    except InputError as error:
        return [str(error)]
    ends = trained.parameters if isinstance(trained, UnknownNoise) else (trained.parameter, trained.parameter)
    weakest, strongest = (float(model(end).stabilised_sd) for end in ends)
    if weakest * TOO_WEAK <= found.stabilised_sd <= strongest * TOO_STRONG:
        return []
    return [
        f"its noise looks like {model.name}:{found.parameter:.3g}, but this denoiser is for {trained.spec}"
    ]
