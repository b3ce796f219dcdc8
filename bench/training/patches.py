"""Training patches, cut with one gather from frozen noisy copies of the training images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from bench.errors import InputError
from bench.images.clean_image import intensities
from bench.method import Batch, Need
from bench.noise import Noise
from bench.noise.blind import UnknownNoise, given_noise, noise_of_image
from bench.seeds import generator, seed_of
from bench.system.devices import has_room_for_images
from bench.training.prefetch import Prefetcher

if TYPE_CHECKING:
    from torch import Tensor

    from bench.images.clean_image import CleanImage
    from bench.images.image_set import ImageSet
    from bench.settings import TrainingNoise


@dataclass(frozen=True)
class Sampling:
    """The number, size and seed of the sampled patches.

    Args:
        steps: number of optimiser steps.
        batch: patches per step.
        patch: side of a patch, in pixels.
        seed: seed of positions, symmetries and noise.
    """

    steps: int
    batch: int
    patch: int
    seed: int

    def scaled(self, factor: int) -> Sampling:
        """Return the sampling for a method whose ``patch_scale`` is ``factor``; it has at least one patch."""
        return replace(self, batch=max(1, self.batch // factor), patch=factor * self.patch)


class Patches:
    """The batches of one run, by step; with one sampling, they are the same for every method.

    Pixels are kept on the device, clean ones as bytes. A set that does not fit on the device stays in host
    memory, where the patches of the next step are cut during the current one.

    Args:
        images: training images.
        noise: noise of the images, which a method that declares it is given. If its parameter is unknown,
            every image has its own, and the method is given an estimate from the image's noisy copy.
        needs: the needs that the batches contain. Nothing else is on the device, except clean pixels to which
            resampled noise is added.
        sampling: the number and size of the patches, and the seed.
        training_noise: ``frozen`` gives every image one noisy copy for the whole run, the same on every
            device; ``resampled`` draws new noise for every patch, on the device.
        device: device of the batches.
    """

    def __init__(
        self,
        images: ImageSet,
        noise: Noise | UnknownNoise,
        *,
        needs: frozenset[Need],
        sampling: Sampling,
        training_noise: TrainingNoise = "frozen",
        device: torch.device,
    ) -> None:
        self.noise, self.needs, self.sampling = noise, needs, sampling
        self.channels = images.channels
        self.resampled = training_noise == "resampled"
        self.noises = [noise_of_image(noise, image.fingerprint, seed=sampling.seed) for image in images]
        self.bytes_only = all(image.pixels.dtype == np.uint8 for image in images)
        copies = self._copies(images)
        resident = has_room_for_images(device, sum(copy.nbytes for same in copies.values() for copy in same))
        home = device if resident else torch.device("cpu")
        self.sources = {source: _flatten(pixels, home) for source, pixels in copies.items()}
        self.index = _PixelIndex(images, sampling.patch, home)
        places = torch.from_numpy(_places(images, sampling))
        self.places = places.to(device)
        self.prefetcher = None if resident else Prefetcher(lambda step: self._cut(places[step]), device)
        # An accelerator may multiply by the reciprocal instead of dividing by 255, which rounds differently.
        self.grey_levels = torch.from_numpy(np.arange(256, dtype=np.float32) / np.float32(255)).to(device)
        self.rng = torch.Generator(device)
        if isinstance(noise, UnknownNoise):
            self.parameters = torch.tensor([own.parameter for own in self.noises], device=device)
            if "noise" in needs:
                self.estimates = torch.tensor(self._estimates(noise, images), device=device)

    def _copies(self, images: ImageSet) -> dict[str, list[np.ndarray]]:
        wanted = {"clean"} if self.resampled else self.needs - {"noise"}
        return {
            source: [
                self._copy(image, noise, source) for image, noise in zip(images, self.noises, strict=True)
            ]
            for source in sorted(wanted)
        }

    def _copy(self, image: CleanImage, noise: Noise, source: str) -> np.ndarray:
        if source == "clean":
            return image.pixels if self.bytes_only else intensities(image)
        role = ("training noise", source, noise.spec, image.fingerprint, self.sampling.seed)
        return noise.sample(intensities(image), generator(*role))

    def _estimates(self, noise: UnknownNoise, images: ImageSet) -> list[float]:
        estimates = []
        for image, own in zip(images, self.noises, strict=True):
            try:
                estimates.append(given_noise(noise, self._copy(image, own, "noisy")).parameter)
            except InputError as error:
                raise InputError(f"{image.name}: {error}") from error
        return estimates

    def __call__(self, step: int) -> Batch:
        """Cut the patches of one step, counted from 0, without waiting for the device."""
        cut = self.prefetcher(step) if self.prefetcher else self._cut(self.places[step])
        images = {source: self._intensities(patches).movedim(-1, 1) for source, patches in cut.items()}
        if self.resampled:
            images = {
                need: images["clean"] if need == "clean" else self._resample(images["clean"], need, step)
                for need in self.needs - {"noise"}
            }
        return Batch(images, self._given_noise(step) if "noise" in self.needs else None)

    def _given_noise(self, step: int) -> Noise:
        """Return the noise with its parameter, or with the estimate for each patch, (B, 1, 1, 1)."""
        return self.noise if isinstance(self.noise, Noise) else self._of_patches(self.estimates, step)

    def _of_patches(self, parameters: Tensor, step: int) -> Noise:
        model = self.noise.model if isinstance(self.noise, UnknownNoise) else type(self.noise)
        return model(parameters[self.places[step][:, 0]].view(-1, 1, 1, 1))

    def _cut(self, places: Tensor) -> dict[str, Tensor]:
        index = self.index(places)
        return {source: pixels[index] for source, pixels in self.sources.items()}

    def _intensities(self, values: Tensor) -> Tensor:
        return self.grey_levels[values.int()] if values.dtype == torch.uint8 else values

    def _resample(self, clean: Tensor, need: str, step: int) -> Tensor:
        self.rng.manual_seed(seed_of("resampled noise", need, self.noise.spec, self.sampling.seed, step))
        own = self.noise if isinstance(self.noise, Noise) else self._of_patches(self.parameters, step)
        return own.draw(clean, self.rng)


class _PixelIndex:
    """Finds the values of patches in the flattened pixels of a set, one image after another."""

    def __init__(self, images: ImageSet, patch: int, device: torch.device) -> None:
        shapes = np.array([image.pixels.shape for image in images])
        starts = np.concatenate([[0], np.cumsum(shapes.prod(axis=1))[:-1]])
        self.starts = torch.from_numpy(starts).to(device)
        self.widths = torch.from_numpy(shapes[:, 1].copy()).to(device)
        self.grid = torch.arange(patch, device=device)
        self.channels = images.channels

    def __call__(self, places: Tensor) -> Tensor:
        """Map positions, (B, 4), to the flat index of every value of their patches, (B, P, P, C)."""
        image, top, left, symmetry = (values[:, None] for values in places.unbind(dim=1))
        transposed, flipped, mirrored = (((symmetry >> bit) & 1).bool() for bit in range(3))
        back = len(self.grid) - 1 - self.grid
        row = (top + torch.where(flipped, back, self.grid)) * self.widths[image]
        column = left + torch.where(mirrored, back, self.grid)
        down, across = torch.where(transposed, column, row), torch.where(transposed, row, column)
        pixel = down[:, :, None] + across[:, None, :]
        channel = torch.arange(self.channels, device=pixel.device)
        return self.starts[image][..., None, None] + pixel[..., None] * self.channels + channel


def _flatten(pixels: list[np.ndarray], device: torch.device) -> Tensor:
    return torch.from_numpy(np.concatenate([image.ravel() for image in pixels])).to(device)


def _places(images: ImageSet, sampling: Sampling) -> np.ndarray:
    """Draw image, top, left and symmetry of every patch, (steps, batch, 4)."""
    shapes = np.array([image.pixels.shape for image in images])
    rng = generator("crops", images.fingerprint, sampling.seed)
    size = (sampling.steps, sampling.batch)
    image = rng.integers(len(shapes), size=size)
    room = shapes[image, :2] - sampling.patch + 1
    corner = (rng.random((*size, 2)) * room).astype(np.int64)
    symmetry = rng.integers(8, size=size)
    return np.stack([image, corner[..., 0], corner[..., 1], symmetry], axis=-1)
