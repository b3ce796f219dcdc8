"""The noises of the tests, and noisy images and batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from bench.conformance.case import declared_batch, draw_images, smooth_images
from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.seeds import generator

if TYPE_CHECKING:
    from torch import Tensor

    from bench.method import Batch, Method

LEVELS = {"gaussian": Gaussian(25), "poisson": Poisson(0.05), "gamma": Gamma(50)}

every_noise = pytest.mark.parametrize("noise", LEVELS.values(), ids=LEVELS)


def batch_of(method: Method | type[Method], noise: Noise, *, channels: int = 1, count: int = 3) -> Batch:
    """Make smooth patches with what the method declares."""
    return declared_batch(method, draw_images(smooth_images(count, channels, 40, 40), noise), noise)


def noisy_pair(first: Noise, second: Noise) -> Tensor:
    """Draw one noisy image under each of two noises, (2, 1, 24, 24) float64."""
    clean = 0.2 + 0.6 * generator("clean").random((2, 1, 24, 24))
    noisy = [
        noise.sample(image, generator("noisy")) for noise, image in zip((first, second), clean, strict=True)
    ]
    return torch.from_numpy(np.stack(noisy)).double()


def end_for(noise: Noise, domain: str, sigma_a: float) -> float:
    """Return Noise2Score's ``end`` for a last perturbation of ``sigma_a`` in v."""
    if domain == "stabilised":
        return sigma_a / noise.stabilised_sd
    return sigma_a / noise.zeta if isinstance(noise, Poisson) else sigma_a


every_domain = pytest.mark.parametrize("domain", ["stabilised", "raw"])
