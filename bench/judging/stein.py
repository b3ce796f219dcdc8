"""Stein's unbiased risk estimate, for noise of any variance, white or correlated from pixel to pixel.

Stein, "Estimation of the mean of a multivariate normal distribution", Annals of Statistics 9, 1981; the
divergence by random probes: Ramani, Blu and Unser, "Monte-Carlo SURE", IEEE Transactions on Image
Processing 17, 2008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from bench.judging import Denoiser

EPS = 0.1
"""Size of a probe in standard deviations of the noise."""


def stein_error(
    denoiser: Denoiser, noisy: np.ndarray, variance: np.ndarray, probes: list[np.ndarray], *, eps: float = EPS
) -> np.ndarray:
    """Estimate the squared error (f - x)^2 by (f - y)^2 - v + 2 Cov(f, y).

    By Stein's lemma the covariance of f_i with y_i is the sum over j of C_ij df_i / dy_j, C the covariance
    of the noise. It is the mean of w_i (f(y + eps w) - f(y - eps w))_i / (2 eps) over probes w of
    covariance C. Probes in pairs of opposite signs do not change the strength of the noise, which a
    denoiser may measure.

    Unbiased for denoisers that are smooth at the scale of eps under Gaussian noise; under other noise third
    derivatives of f matter, if the probes are drawn with ``divergence_weight``.

    Args:
        denoiser: f.
        noisy: y, (H, W, C), intensities.
        variance: v, an unbiased estimate of the variance of each value, of the same shape; ``variance_of``.
        probes: w, each of the same shape; the same ones for all denoisers that are compared.
        eps: size of a step along a probe.

    Returns:
        The estimate for each value, of the same shape; only means over many are meaningful.
    """
    covariance = sum(w * (denoiser(noisy + eps * w) - denoiser(noisy - eps * w)) for w in probes)
    risk: np.ndarray = (denoiser(noisy) - noisy) ** 2 - variance + covariance / (eps * len(probes))
    return risk


def white_probe(variance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw random signs times the standard deviation of the noise, for noise without correlation.

    Args:
        variance: of each value, (H, W, C), as ``divergence_weight`` returns it; values below 0 count as 0.
        rng: random stream.
    """
    probe: np.ndarray = np.sqrt(np.maximum(variance, 0)) * rng.choice([-1.0, 1.0], variance.shape)
    return probe


def correlated_probe(variance: np.ndarray, correlation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw normal values with the variance and the correlation of the noise, N(0, D^1/2 R D^1/2), D = diag v.

    Args:
        variance: of each value, (H, W, C), as ``divergence_weight`` returns it; values below 0 count as 0.
        correlation: correlation of the noise with itself at each offset, (2 r + 1, 2 r + 1), 1 at the centre.
        rng: random stream.
    """
    height, width, channels = variance.shape
    kernel = np.zeros((height, width))
    reach_down, reach_across = (size // 2 for size in correlation.shape)
    kernel[: correlation.shape[0], : correlation.shape[1]] = correlation
    kernel = np.roll(kernel, (-reach_down, -reach_across), axis=(0, 1))
    # A measured correlation may have a slightly negative spectrum, which no noise has.
    spectrum = np.maximum(fft.rfft2(kernel).real, 0)
    spectrum *= height * width / _full_sum(spectrum, width)
    white = fft.rfft2(rng.standard_normal((height, width, channels)), axes=(0, 1))
    field = fft.irfft2(white * np.sqrt(spectrum)[..., None], s=(height, width), axes=(0, 1))
    probe: np.ndarray = np.sqrt(np.maximum(variance, 0)) * field
    return probe


def _full_sum(spectrum: np.ndarray, width: int) -> float:
    """Sum a spectrum over all frequencies, of which only the columns of a real transform are stored."""
    twice = spectrum[:, 1 : (width + 1) // 2].sum()
    return float(spectrum.sum() + twice)
