"""Networks with known properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bench.noise import Gamma, Noise

if TYPE_CHECKING:
    from collections.abc import Callable

    from methods.noise2score import Noise2Score

    Function = Callable[[Tensor], Tensor]


class Spy:
    """A network that records its inputs."""

    def __init__(self, net: Function) -> None:
        self.net = net
        self.seen: list[Tensor] = []

    def __call__(self, image: Tensor) -> Tensor:
        self.seen.append(image)
        return self.net(image)


TAPS = np.array([[0.02, 0.1, 0.05], [0.15, 0.4, 0.03], [0.01, 0.1, 0.08]])


def filter_of(taps: np.ndarray) -> Function:
    """Make the linear network that correlates each image with a 3x3 filter, zero beyond the border."""
    weight = torch.from_numpy(taps)[None, None]
    return lambda image: functional.conv2d(image, weight.to(image.dtype), padding=1)


def curved(image: Tensor) -> Tensor:
    """Apply a non-linear function of each pixel and its neighbours."""
    return 0.1 + 0.7 * torch.tanh(filter_of(TAPS)(image)) + 0.05 * torch.sin(6 * image)


def network_with(score: Function, noise: Noise, method: Noise2Score) -> Function:
    """Make the network whose residual corresponds to a given score of v.

    The residual of the network is variance s, and for a logarithm y variance s.
    """
    variance = method.coordinates(noise).variance
    logarithm = isinstance(noise, Gamma) and method.domain == "stabilised"

    def network(seen: Tensor) -> Tensor:
        v, slope = (torch.log(seen), seen) if logarithm else (seen, 1.0)
        return seen + slope * variance * score(v)

    return network
