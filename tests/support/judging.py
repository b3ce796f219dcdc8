"""Clean images, denoisers and the check of an unbiased estimate, for the tests of judging."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from bench.seeds import generator


def clean_image(side: int = 32) -> np.ndarray:
    """Make a smooth image with an edge, (side, side, 1), intensities between .2 and .8."""
    down, across = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side), indexing="ij")
    return (0.35 + 0.15 * np.sin(5 * down + 2 * across) + 0.2 * (across > 0.6))[..., None]


def blur(y: np.ndarray) -> np.ndarray:
    """Filter linearly, with weights that sum to less than 1."""
    return 0.05 + 0.85 * ndimage.gaussian_filter(y, 0.8, axes=(0, 1), mode="wrap")


def curve(y: np.ndarray) -> np.ndarray:
    """Bend the blurred image smoothly."""
    return 0.5 + 0.3 * np.tanh(3 * (0.5 * y + 0.5 * blur(y) - 0.5))


def median(y: np.ndarray) -> np.ndarray:
    """Take medians and clip them: neither linear nor smooth."""
    return ndimage.median_filter(y, (3, 3, 1), mode="wrap").clip(0.3, 0.6)


def repeated(count: int, *role: str) -> list[np.random.Generator]:
    """Open that many random streams."""
    return [generator("judging", *role, index) for index in range(count)]


def assert_unbiased(
    estimates: list[float], truths: list[float], *, tolerance: float, bias: float = 0.0
) -> None:
    """Check that estimates and truths, paired by draw, have the same mean within five standard errors.

    Args:
        estimates: one per draw.
        truths: one per draw.
        tolerance: largest admissible five standard errors, as a share of the mean truth.
        bias: a known bias, as a share of the mean truth, to be tolerated besides.
    """
    apart, size = np.subtract(estimates, truths), np.mean(truths)
    limit = 5 * apart.std(ddof=1) / np.sqrt(apart.size)
    assert limit < tolerance * size, f"too few draws: {limit / size:.3f}"
    assert abs(apart.mean()) < limit + bias * size, (
        f"bias {apart.mean() / size:.3f}, {limit / size:.3f} allowed"
    )
