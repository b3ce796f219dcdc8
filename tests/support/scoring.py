"""Denoisers without a network, small image sets, and the noises they are scored on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.images.image_set import ImageSet
from bench.noise import Gamma, Gaussian, Poisson

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.images.clean_image import CleanImage

NOISES = [Gaussian(25), Poisson(0.05), Gamma(50)]

every_noise = pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.spec)
colour_or_grey = pytest.mark.parametrize("channels", [1, 3])


@dataclass
class Rule:
    """A denoiser without a network."""

    rule: Callable[[Tensor], Tensor]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def denoise_and_count(self, noisy: Tensor) -> tuple[Tensor, float]:
        return self.rule(noisy), 0.0

    def estimate(self, noisy: Tensor) -> None:
        return None


def set_of(*images: CleanImage) -> ImageSet:
    return ImageSet("some", images, images[0].pixels.shape[2], "", ())


def psnr_by_numpy(output: Tensor, clean: Tensor) -> float:
    error = output.numpy().astype(np.float64) - clean.numpy().astype(np.float64)
    return -10 * math.log10((error**2).mean())
