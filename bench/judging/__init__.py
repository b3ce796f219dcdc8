"""Judge denoisers without clean images: estimates of their squared error from noisy images alone.

Each estimate is a map of the squared error, whose mean over any part of an image has the true squared error
of that part as its expectation.
"""

from collections.abc import Callable

import numpy as np

Denoiser = Callable[[np.ndarray], np.ndarray]
"""What is judged: any function from y to an estimate of x, both (H, W, C) float64 intensities."""

__all__ = ["Denoiser"]
