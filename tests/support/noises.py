"""The noises that tests try, and batches of noisy images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.conformance.case import declared_batch, draw_images, smooth_images
from bench.noise import Gamma, Gaussian, Noise, Poisson

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from bench.method import Batch, Method

    Function = Callable[[Tensor], Tensor]


LEVELS = {"gaussian": Gaussian(25), "poisson": Poisson(0.05), "gamma": Gamma(50)}

every_noise = pytest.mark.parametrize("noise", LEVELS.values(), ids=LEVELS)


def batch_of(method: Method | type[Method], noise: Noise, *, channels: int = 1, count: int = 3) -> Batch:
    """Give smooth patches with what the method declares."""
    return declared_batch(method, draw_images(smooth_images(count, channels, 40, 40), noise), noise)


def end_for(noise: Noise, domain: str, sigma_a: float) -> float:
    """Give Noise2Score's ``end`` for a last perturbation of ``sigma_a`` in v."""
    if domain == "stabilised":
        return sigma_a / noise.stabilised_sd
    return sigma_a / noise.zeta if isinstance(noise, Poisson) else sigma_a


every_domain = pytest.mark.parametrize("domain", ["stabilised", "raw"])
