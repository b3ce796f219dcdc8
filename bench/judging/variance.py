"""The variance of each noisy value, estimated from the image: for the risk, and for the divergence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from bench.noise import Gamma, Gaussian
from bench.noise.poisson_gaussian import PoissonGaussian

if TYPE_CHECKING:
    from bench.noise import Noise

NEIGHBOURHOOD_SD, NEIGHBOURHOOD_REACH = 1.5, 4
"""Pixels."""


def variance_of(noisy: np.ndarray, noise: Noise) -> np.ndarray:
    """Return an unbiased estimate of the variance of y given x, of the same shape as ``noisy``.

    A variance that is a constant or proportional to x, as under Gaussian, Poisson and Poisson-Gaussian
    noise, is estimated by putting y in the place of x. Under Gamma noise E[y^2] = x^2 (k + 1) / k, so the
    estimate of x^2 / k is y^2 / (k + 1).
    """
    variance: np.ndarray = noisy**2 / (noise.k + 1) if isinstance(noise, Gamma) else noise.variance(noisy)
    return variance


def divergence_weight(noisy: np.ndarray, noise: Noise) -> np.ndarray:
    """Return the weight u of each derivative for which E[u f'(y)] = E[(y - x) f(y)].

    Where the variance depends on x, neither its estimate from y nor that from x itself will do, since f' is
    correlated with y: for any cumulants, E[(y - x) f] = k2 E[f'] + k3 E[f''] / 2 + ... Half of a step from
    x to y makes the second term exact under Poisson noise, where k3 = zeta k2: u = zeta (x + y) / 2.
    Electronic noise adds to k2 and not to k3, and shortens the step. Under Gamma noise u = x y / k is
    exact. For x serves the mean of the neighbours, whose noise is independent.

    Args:
        noisy: y, (H, W, C), intensities.
        noise: noise model and parameter.

    Returns:
        u, of the same shape; where it is negative it estimates a small variance.
    """
    if isinstance(noise, Gaussian):
        return variance_of(noisy, noise)
    x = neighbourhood(noisy)
    if isinstance(noise, Gamma):
        product: np.ndarray = x * noisy / noise.k
        return product
    variance = noise.variance(x)
    read = noise.read_variance if isinstance(noise, PoissonGaussian) else 0.0
    step = np.clip(1 - read / np.maximum(variance, 1e-12), 0, 1) / 2
    weight: np.ndarray = noise.variance(x + step * (noisy - x))
    return weight


def neighbourhood(image: np.ndarray) -> np.ndarray:
    """Average the neighbours of each value, but not the value itself, with Gaussian weights, (H, W, C)."""
    side = np.arange(-NEIGHBOURHOOD_REACH, NEIGHBOURHOOD_REACH + 1)
    weights = np.exp(-(side[:, None] ** 2 + side**2) / (2 * NEIGHBOURHOOD_SD**2))
    weights[NEIGHBOURHOOD_REACH, NEIGHBOURHOOD_REACH] = 0
    mean: np.ndarray = ndimage.correlate(image, weights[..., None] / weights.sum(), mode="reflect")
    return mean
