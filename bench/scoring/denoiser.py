"""A trained denoiser: a method's rule applied with its network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from bench.errors import InputError
from bench.noise import Noise
from bench.noise.blind import UnknownNoise, given_noise
from bench.noise.windows import windows_of
from bench.scoring.tiles import Tiled, overlap
from bench.training.precision import disable_tf32, in_precision

if TYPE_CHECKING:
    from torch import Tensor

    from bench.method import Method, Network
    from bench.training.unet import UNet


@dataclass
class PassCounter:
    """A network that counts the values of the images that it processes."""

    net: Network
    values: int = 0

    def __call__(self, image: Tensor) -> Tensor:
        """Apply the network."""
        self.values += image.numel()
        return self.net(image)


@dataclass(frozen=True)
class Denoiser:
    """A method's rule with a trained network.

    Args:
        net: the trained U-Net on ``device``; for an untrained method, the U-Net as initialised.
        method: method that turns the network into a denoiser.
        noise: noise that it was trained for; an unknown parameter is estimated for each image.
        device: the device on which it computes.
        tile: side of the tiles in which the network is applied, a multiple of its pooling; None for whole
            images.
    """

    net: UNet
    method: Method
    noise: Noise | UnknownNoise
    device: torch.device
    tile: int | None = None

    def __call__(self, noisy: Tensor) -> Tensor:
        """Denoise (B, C, H, W) float images of any size, with intensities in [0, 1] but not clipped.

        Computes in float32 and returns float32 of the same shape on the denoiser's device, also not clipped.

        Raises:
            InputError: the images are not a float tensor, their shape or number of channels does not suit the
                network, or their noise must be estimated and cannot be.
        """
        return self.denoise_and_count(noisy)[0]

    @torch.inference_mode()
    def denoise_and_count(self, noisy: Tensor) -> tuple[Tensor, float]:
        """Denoise, and count the passes: the pixels that the network processed, over those of the images.

        Raises:
            InputError: as raised by denoising.
        """
        images = self._admit(noisy)
        counter = PassCounter(self._network())
        denoised = self.method.denoise(counter, images, self._given_noise(images))
        return denoised, counter.values / images.numel()

    @torch.inference_mode()
    def estimate(self, noisy: Tensor) -> float | None:
        """Estimate the parameter of the noise of one image (1, C, H, W).

        Returns:
            The method's estimate; None if the method does not see the noise model, or uses the given
            parameter.

        Raises:
            InputError: as raised by denoising.
        """
        images = self._admit(noisy)
        noise = self._given_noise(images)
        if noise is None:
            return None
        estimate = self.method.estimate(self._network(), images, noise)
        return None if estimate is self.noise else estimate.parameter

    def _admit(self, noisy: Tensor) -> Tensor:
        if not isinstance(noisy, torch.Tensor) or not noisy.is_floating_point():
            given = noisy.dtype if isinstance(noisy, torch.Tensor) else type(noisy).__name__
            raise InputError(f"the denoiser needs a tensor of floats, white being 1, but was given {given}")
        channels = self.net.channels
        if noisy.ndim != 4 or noisy.shape[1] != channels:
            raise InputError(
                f"the denoiser needs images of shape (B, {channels}, H, W), "
                f"but was given {tuple(noisy.shape)}"
            )
        return noisy.to(self.device, torch.float32)

    def _network(self) -> Network:
        disable_tf32()
        net = in_precision(self.net.eval(), "float32", self.device)
        return net if self.tile is None else Tiled(net, self.tile, overlap(self.net))

    def _given_noise(self, images: Tensor) -> Noise | None:
        if "noise" not in self.method.needs:
            return None
        if isinstance(self.noise, Noise):
            return self.noise
        levels = [self._estimated(image) for image in images]
        return self.noise.model(torch.tensor(levels, device=self.device).view(-1, 1, 1, 1))

    def _estimated(self, image: Tensor) -> float:
        """Estimate the parameter for one image, (C, H, W), from windows if it is large."""
        return given_noise(self.noise, windows_of(image.movedim(0, -1).cpu().numpy())).parameter
