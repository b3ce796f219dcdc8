"""Noise2Void (Krull et al., CVPR 2019): predict a pixel from its surroundings alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from bench.errors import InputError
from bench.method import Batch, Method, Network

if TYPE_CHECKING:
    from torch import Tensor

    from bench.noise import Noise


@dataclass(frozen=True)
class Noise2Void(Method):
    """Squared error at masked pixels, whose values were replaced by a neighbour's.

    The mask is made of coordinates, never by comparing values, and is shared by the channels of a pixel.
    The replacement is drawn uniformly from the neighbourhood without its centre, cut at the border.

    Published fractions are .00198 (the paper's BSD68 experiment, radius 2) and .015 (the authors' package,
    radius 5); .05 got further in as many steps (the search is in tables/noise2score).

    Args:
        fraction: of the pixels masked in each patch, in (0, 1].
        radius: of the square neighbourhood, in pixels, at least 1.
    """

    needs = frozenset({"noisy"})

    fraction: float = 0.05
    radius: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 1:
            raise InputError(f"noise2void needs a fraction in (0, 1], but fraction is {self.fraction}")
        if self.radius < 1:
            raise InputError(f"noise2void needs a radius of at least 1 pixel, but radius is {self.radius}")

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Compare with the noisy image at the masked pixels."""
        noisy = batch.noisy
        masked, replacement = self.blind_spots(*noisy.shape[-2:], count=len(noisy), rng=rng)
        pixels = noisy.flatten(start_dim=2)
        masked = masked[:, None].expand(-1, noisy.shape[1], -1)
        replacement = replacement[:, None].expand_as(masked)
        blinded = pixels.scatter(2, masked, pixels.gather(2, replacement))
        estimate = net(blinded.view_as(noisy)).flatten(start_dim=2)
        return (estimate - pixels).gather(2, masked).square().mean(dim=(1, 2))

    def blind_spots(
        self, height: int, width: int, *, count: int, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Draw the masked pixels of ``count`` images and the neighbours that replace them.

        Returns:
            Two tensors of flat pixel indices (row * width + column), each (count, masked pixels).
        """
        spots = max(1, round(self.fraction * height * width))
        order = torch.rand(count, height * width, generator=rng, device=rng.device)
        masked = order.topk(spots, dim=1).indices
        row, column = masked // width, masked % width
        top, bottom = (row - self.radius).clamp(min=0), (row + self.radius).clamp(max=height - 1)
        left, right = (column - self.radius).clamp(min=0), (column + self.radius).clamp(max=width - 1)
        across = right - left + 1
        neighbours = (bottom - top + 1) * across - 1
        draw = torch.rand(masked.shape, generator=rng, device=rng.device, dtype=torch.float64)
        chosen = (draw * neighbours).long()
        centre = (row - top) * across + (column - left)
        chosen = chosen + (chosen >= centre)
        return masked, (top + chosen // across) * width + left + chosen % across

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Apply the network once, to the image as it is."""
        return net(noisy)
