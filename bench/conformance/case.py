"""What a check examines: a method under one noise model, with small networks and batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from bench.method import Batch
from bench.seeds import generator
from bench.training.unet import UNet

if TYPE_CHECKING:
    from torch import Tensor

    from bench.method import Method, Network
    from bench.noise import Noise

COUNT, SIDE = 3, 32
"""Number of images in a batch, and their side in pixels."""


class ConformanceError(Exception):
    """A method violates the contract; the message says how, and how to fix it."""


@dataclass(frozen=True)
class Case:
    """A method under one noise model.

    Args:
        method: the method with its hyper-parameters.
        noise: a noise model that the method declares, with a usual parameter.
    """

    method: Method
    noise: Noise

    def batch(self, *, channels: int = 1, grey: float | None = None, side: int = SIDE) -> Batch:
        """Draw ``COUNT`` images, smooth or of one ``grey`` value, and all else that the method declares."""
        shape = (COUNT, channels, side, side)
        clean = smooth_images(*shape) if grey is None else np.full(shape, grey, dtype=np.float32)
        return declared_batch(self.method, draw_images(clean, self.noise), self.noise)

    def loss(
        self, batch: Batch, *, net: Network | None = None, progress: float = 0.5, seed: int = 0
    ) -> Tensor:
        """Compute the losses of a batch, (B,), with a generator of this seed."""
        network = net or small_unet(batch.noisy.shape[1])
        return self.method.loss(network, batch, torch.Generator().manual_seed(seed), torch.tensor(progress))

    def denoise(self, noisy: Tensor, *, net: Network | None = None) -> Tensor:
        """Denoise (B, C, H, W) as the harness does: only a method that declares the noise is given it."""
        noise = self.noise if "noise" in self.method.needs else None
        with torch.inference_mode():
            return self.method.denoise(net or small_unet(noisy.shape[1]), noisy, noise)


def small_unet(channels: int, *, width: int = 4) -> UNet:
    """Create a small network whose last layer is not zero, so that every layer matters."""
    net = UNet(channels, width=width, seed=0)
    nn.init.normal_(net.exit.weight, std=0.05, generator=torch.Generator().manual_seed(1))
    return net


def smooth_images(*shape: int) -> np.ndarray:
    """Create smooth clean images, (B, C, H, W), float32 in [.1, .9]."""
    rough = generator("patches", shape[1]).random(shape)
    filtered: np.ndarray = 0.1 + 0.8 * gaussian_filter(rough, (0, 0, 2, 2)).astype(np.float32)
    return filtered


def draw_images(clean: np.ndarray, noise: Noise) -> dict[str, Tensor]:
    """Draw every kind of image that a method may declare, for clean images (B, C, H, W)."""
    copies = {name: noise.sample(clean, generator("test", name)) for name in ("noisy", "noisy2")}
    return {name: torch.from_numpy(image) for name, image in {**copies, "clean": clean}.items()}


def declared_batch(method: Method | type[Method], images: dict[str, Tensor], noise: Noise) -> Batch:
    """Create a batch of what the method declares, and nothing else."""
    seen: dict[str, Tensor] = {name: image for name, image in images.items() if name in method.needs}
    multipliers = {name: torch.tensor(value) for name, value in method.multipliers.items()}
    return Batch(seen, noise if "noise" in method.needs else None, multipliers)


def gradients(net: UNet) -> list[Tensor]:
    """Return the gradient of each weight, zeros if there is none."""
    return [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in net.parameters()]


def is_identical(one: Tensor, other: Tensor) -> bool:
    """Check whether tensors are equal bit for bit; NaN equals NaN."""
    return bool(torch.equal(one.nan_to_num(), other.nan_to_num()) and torch.equal(one.isnan(), other.isnan()))
