"""Split one noisy image into two independent ones: denoise the first, compare with the second.

The generalised recorruption of Pang et al., "Recorrupted-to-Recorrupted", CVPR 2021, and Monroy, Bacca and
Tachella, "Generalized Recorrupted-to-Recorrupted", CVPR 2025.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bench.errors import InputError
from bench.judging.variance import variance_of
from bench.noise import Gamma, Noise, Poisson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.judging import Denoiser


class Split(NamedTuple):
    """Two noisy images of the same x, made of one, each (H, W, C).

    Attributes:
        first: y1, with the share 1 - a of the information.
        second: y2, with the share a.
        variance: an unbiased estimate of the variance of y2.
        share: a.
    """

    first: np.ndarray
    second: np.ndarray
    variance: np.ndarray
    share: float


def split(noisy: np.ndarray, noise: Noise, share: float, rng: np.random.Generator) -> Split:
    """Split an image into y1 and y2 = (y - (1 - a) y1) / a, both with mean x.

    They are independent given x under Gaussian, Poisson and Gamma noise of the right parameter. Under
    Poisson-Gaussian noise, whose counts are not observed, the split is that of Gaussian noise of variance a
    y + b: the two are uncorrelated, so that the error of linear denoisers is estimated without bias.

    Args:
        noisy: y, (H, W, C), intensities, neither clipped nor rounded; under Poisson noise multiples of zeta.
        noise: noise model and parameter.
        share: a, between 0 and 1.
        rng: random stream.

    Raises:
        InputError: the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise InputError(f"a share of {share} of the information cannot be split off; it is between 0 and 1")
    y, a = np.asarray(noisy, dtype=np.float64), share
    match noise:
        case Poisson():
            counts = np.rint(y / noise.parameter).astype(np.int64)
            first = (y - noise.parameter * rng.binomial(counts, a)) / (1 - a)
        case Gamma():
            first = y * (1 - rng.beta(noise.parameter * a, noise.parameter * (1 - a), y.shape)) / (1 - a)
        case _:
            sd = np.sqrt(np.maximum(variance_of(y, noise), 0))
            first = y + np.sqrt(a / (1 - a)) * sd * rng.standard_normal(y.shape)
    return Split(first, (y - (1 - a) * first) / a, variance_of(y, noise) / a, a)


def splitting_error(denoiser: Denoiser, splits: Sequence[Split]) -> np.ndarray:
    """Estimate the squared error of a denoiser on y1, (f(y1) - x)^2, by (f(y1) - y2)^2 - Var(y2).

    It holds for any denoiser, smooth or not. The noise of y1 has 1 / (1 - a) times the variance of that of
    y, so that the error is larger than on y.

    Args:
        denoiser: f.
        splits: of one image, with one share; the same ones for all denoisers that are compared.

    Returns:
        The estimate for each value, (H, W, C), the mean over the splits.
    """
    risks = [(denoiser(one.first) - one.second) ** 2 - one.variance for one in splits]
    risk: np.ndarray = np.mean(risks, axis=0)
    return risk


def extrapolated_error(denoiser: Denoiser, few: Sequence[Split], many: Sequence[Split]) -> np.ndarray:
    """Extrapolate the estimate of ``splitting_error`` linearly in the variance of the noise to that of y.

    Args:
        denoiser: f.
        few: splits of one image with a small share.
        many: splits of the same image with a larger share.
    """
    added = [splits[0].share / (1 - splits[0].share) for splits in (few, many)]
    near, far = (splitting_error(denoiser, splits) for splits in (few, many))
    risk: np.ndarray = (added[1] * near - added[0] * far) / (added[1] - added[0])
    return risk
