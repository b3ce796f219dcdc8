"""Fit the variance a x + b of Poisson-Gaussian noise to one noisy image by maximum likelihood.

Foi, Trimeche, Katkovnik and Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for
single-image raw-data", IEEE Transactions on Image Processing 17, 2008: mean and variance are measured in
sets of pixels of about the same intensity, away from edges, and (a, b) maximises the likelihood of these
variances, where values beyond black or white are clipped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, optimize, stats

from bench.errors import InputError
from bench.noise.poisson_gaussian import PoissonGaussian

MIN_SIDE_FOR_FIT = 32
"""Pixels."""

LEVELS = 24
FEWEST = 20  # pixels of a level; smaller ones are left out
BLUR = 2.5
# Haar's diagonal detail, blind to edges along rows and columns, keeps the variance of white noise. It
# responds to lower frequencies than a Laplacian, so that slightly correlated noise is not taken for weaker
# noise.
DETAIL = np.array([[1, -1], [-1, 1]]) / 2
# Squared gradients of a flat part are above this, in units of their mean, in 1 of 1,800 pixels.
STEEP = 7.5
LEAST_FLAT = 0.25
ROUNDS = 5
SMALLEST_A = 1e-7


@dataclass(frozen=True)
class VarianceFit:
    """Poisson-Gaussian noise that was fitted to an image, with its evidence.

    Attributes:
        noise: the fitted noise.
        intensity: mean of each level, from dark to bright, (levels,).
        variance: variance of the noise in each level, (levels,).
        pixels: number of pixels of each level, (levels,).
    """

    noise: PoissonGaussian
    intensity: np.ndarray
    variance: np.ndarray
    pixels: np.ndarray


def fit_variance(
    noisy: np.ndarray, *, black: float = -math.inf, white: float = math.inf, spacing: int = 1
) -> VarianceFit:
    """Fit a and b to the flat parts of an image.

    Pixels are left out where the blurred image is steeper than white noise can make it, judged by the fit
    of the round before; at least the flattest quarter stays. Fine texture that the blur removes is taken
    for noise.

    Args:
        noisy: y, (H, W, C), intensities; all channels have the same noise.
        black: intensity below which values were clipped.
        white: intensity above which values were clipped.
        spacing: distance of the pixels that are compared, larger than the reach of correlated noise.

    Raises:
        InputError: a side is shorter than 32 pixels, a value is not finite, or no noise is found.
    """
    y = np.asarray(noisy, dtype=np.float64)
    height, width, _ = y.shape
    if min(height, width) < MIN_SIDE_FOR_FIT:
        raise InputError(
            f"the noise of an image of {height}x{width} pixels cannot be fitted; "
            f"it takes at least {MIN_SIDE_FOR_FIT}x{MIN_SIDE_FOR_FIT}"
        )
    if not np.isfinite(y).all():
        raise InputError(f"{np.count_nonzero(~np.isfinite(y))} values of the image are not finite numbers")
    smooth, gradient, detail = _inside(y, spacing)
    if not detail.any():
        raise InputError("no noise is found: the image is constant")
    variance = np.full(smooth.shape, np.median(gradient) / math.log(2))
    for _ in range(ROUNDS):
        steepness = gradient / variance
        flat = steepness <= max(STEEP, np.quantile(steepness, LEAST_FLAT))
        levels = _levels(smooth[flat], detail[flat])
        a, b = _most_likely(*levels, black=black, white=white)
        variance = np.maximum(a * smooth + b, levels[1].min() / 10)
    return VarianceFit(PoissonGaussian(a, b), *levels)


def clipped_moments(
    mean: np.ndarray, variance: np.ndarray, black: float, white: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of normal values that were clipped to [black, white], any shape."""
    sd = np.sqrt(variance)
    low, high = (black - mean) / sd, (white - mean) / sd
    density_low, density_high = stats.norm.pdf(low), stats.norm.pdf(high)
    below, above = stats.norm.cdf(low), stats.norm.sf(high)
    within = 1 - below - above
    # In standard deviations from the mean; the ends may be infinite, with densities of zero.
    low, high = np.clip(low, -40, 40), np.clip(high, -40, 40)
    first = density_low - density_high + low * below + high * above
    second = within + low * density_low - high * density_high + low**2 * below + high**2 * above
    return mean + sd * first, variance * np.maximum(second - first**2, 0)


def _inside(y: np.ndarray, spacing: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return blurred values, squared gradients as variances of y, and squared details, (pixels,)."""
    axes, inner = (0, 1), np.s_[3:-3, 3:-3]
    detail = np.zeros((spacing + 1, spacing + 1, 1))
    detail[::spacing, ::spacing, 0] = DETAIL
    smooth = ndimage.gaussian_filter(y, BLUR, axes=axes)
    slopes = [ndimage.gaussian_filter(y, BLUR, order=order, axes=axes) for order in ((0, 1), (1, 0))]
    # White noise of variance v gives each slope a variance of v / (8 pi blur^4).
    gradient = 4 * math.pi * BLUR**4 * (slopes[0] ** 2 + slopes[1] ** 2)
    squares = ndimage.correlate(y, detail) ** 2
    return smooth[inner].ravel(), gradient[inner].ravel(), squares[inner].ravel()


def _levels(smooth: np.ndarray, detail: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, variance and number of pixels of each level."""
    if not detail.any():
        raise InputError("no noise is found: the flat parts of the image are constant")
    edges = np.quantile(smooth, np.linspace(0, 1, LEVELS + 1)[1:-1])
    level = np.searchsorted(edges, smooth, side="right")
    pixels = np.bincount(level, minlength=LEVELS)
    used = pixels >= min(FEWEST, pixels.max())
    sums = [np.bincount(level, values, minlength=LEVELS)[used] for values in (smooth, detail)]
    intensity, variance = (total / pixels[used] for total in sums)
    return intensity, variance, pixels[used]


def _most_likely(
    intensity: np.ndarray, variance: np.ndarray, pixels: np.ndarray, *, black: float, white: float
) -> tuple[float, float]:
    """Maximise the likelihood of the variances, each of normal values, over (a, b)."""
    unit, span = variance.mean(), max(intensity.max() - intensity.min(), 1e-3)
    reach = np.linspace(intensity.min() - span, intensity.max() + 3 * span, 512)
    smallest = 1e-3 * variance[variance > 0].min()

    def expected(parameters: np.ndarray) -> np.ndarray:
        a, b = math.exp(parameters[0]), parameters[1] * unit
        if math.isinf(black) and math.isinf(white):
            line: np.ndarray = a * intensity + b
            return line
        seen, spread = clipped_moments(reach, np.maximum(a * reach + b, smallest), black, white)
        variances: np.ndarray = np.interp(intensity, seen, spread)
        return variances

    def loss(parameters: np.ndarray) -> float:
        v = np.maximum(expected(parameters), smallest)
        return float(pixels @ (np.log(v) + variance / v) / pixels.sum())

    slope, offset = 0.0, unit
    if intensity.size > 1:
        slope, offset = np.polyfit(intensity, variance, 1, w=np.sqrt(pixels) / np.maximum(variance, smallest))
    start = [math.log(max(slope, SMALLEST_A)), offset / unit]
    options = {"maxiter": 4000, "maxfev": 4000, "xatol": 1e-7, "fatol": 1e-12}
    best = optimize.minimize(loss, start, method="Nelder-Mead", options=options)
    return max(math.exp(best.x[0]), SMALLEST_A), float(best.x[1] * unit)
