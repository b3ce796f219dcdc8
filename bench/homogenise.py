"""Turn any noise into uniform Gaussian noise, for denoisers that handle no other, and turn the result back.

A denoiser returns means. The inverse transform therefore inverts x to E[v given x], the mean of the
stabilised values; inverting v(y) would be biased.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from bench.method import Network, Untrained, WithheldError
from bench.noise import Gamma, Level, Noise, Poisson

if TYPE_CHECKING:
    from bench.method import Need

OPPONENTS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Lightness and two colour differences, orthonormal."""


@dataclass(frozen=True)
class Homogenised(Untrained):
    """A denoiser of white Gaussian noise; other noise is first turned into such noise.

    Colours are turned into ``OPPONENTS``, in which photographs are simpler and white noise is the same.

    Attributes:
        smallest_side: smallest side of an image that the rule accepts, in pixels; smaller images are padded
            by mirroring.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"noisy", "noise"})
    smallest_side: ClassVar[int] = 1

    @abstractmethod
    def rule(self, image: np.ndarray, sd: float) -> np.ndarray:
        """Denoise one image, (H, W, C) float64, with white noise of this standard deviation."""

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Denoise each image by the rule, with its own noise parameter."""
        if noise is None:
            raise WithheldError(f"{type(self).__name__} cannot denoise without the noise model")
        exact = type(noise)(torch.as_tensor(noise.level, dtype=torch.float64, device="cpu"))
        v, sd = homogenise(noisy.cpu().double(), exact)
        levels = torch.as_tensor(sd).expand(len(v), 1, 1, 1).flatten().tolist()
        turn = OPPONENTS if noisy.shape[1] == len(OPPONENTS) else np.eye(noisy.shape[1])
        images = [
            self._of_any_size(image @ turn.T, level) @ turn
            for image, level in zip(v.movedim(1, -1).numpy(), levels, strict=True)
        ]
        return take_back(torch.from_numpy(np.stack(images)).movedim(-1, 1), exact).to(noisy)

    def _of_any_size(self, image: np.ndarray, sd: float) -> np.ndarray:
        height, width, _ = image.shape
        below, right = (max(self.smallest_side - side, 0) for side in (height, width))
        padded = np.pad(image, ((0, below), (0, right), (0, 0)), mode="symmetric")
        return self.rule(padded, sd).reshape(padded.shape)[:height, :width]


def homogenise(noisy: Tensor, noise: Noise) -> tuple[Tensor, Level]:
    """Stabilise noisy values.

    Args:
        noisy: y, any shape.
        noise: noise model and parameter.

    Returns:
        v, the same shape: y, Anscombe's root or the logarithm; and the standard deviation of its noise, which
        for the logarithm is the exact sqrt(trigamma(k)).
    """
    if isinstance(noise, Gamma):
        return noise.stabilise(noisy), torch.polygamma(1, torch.as_tensor(noise.k, dtype=noisy.dtype)).sqrt()
    return noise.stabilise(noisy), noise.stabilised_sd


def take_back(mean: Tensor, noise: Noise) -> Tensor:
    """Compute the x for which E[v given x] is ``mean``.

    For Gamma noise E[log y] = log x + digamma(k) - log k. For Poisson noise the inverse has no closed form;
    the approximation by Mäkitalo and Foi (IEEE Transactions on Image Processing 20, 2697, 2011) is at most
    .02 counts off.

    Args:
        mean: mean of v, as returned by ``homogenise``, any shape.
        noise: noise model and parameter.
    """
    match noise:
        case Poisson(zeta=zeta):
            # In standard deviations of its noise; 2 sqrt(3/8) if all counts are zero.
            d = (2 * mean / zeta**0.5).clamp(min=1.5**0.5)
            counts: Tensor = d**2 / 4 + 1.5**0.5 * (1 / (4 * d) + 5 / (8 * d**3)) - 11 / (8 * d**2) - 1 / 8
            return zeta * counts
        case Gamma(k=k):
            shape = torch.as_tensor(k, dtype=mean.dtype)
            return torch.exp(mean - torch.digamma(shape) + shape.log())
    return mean
