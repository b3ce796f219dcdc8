"""Training patches: frozen noisy copies of every image, cut by one gather where the device holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from bench.errors import InputError
from bench.images.image_set import intensities
from bench.method import Batch, Need
from bench.noise import Noise
from bench.noise.blind import UnknownNoise, given_noise, noise_of_image
from bench.seeds import generator, seed_of
from bench.system.devices import holds
from bench.training.prefetch import Prefetcher

if TYPE_CHECKING:
    from torch import Tensor

    from bench.images.image_set import CleanImage, ImageSet
    from bench.settings import TrainingNoise


@dataclass(frozen=True)
class Sampling:
    """How many patches are cut, of which size, by which seed."""

    steps: int
    batch: int
    patch: int
    seed: int


class Patches:
    """The batches of one run, by step; the same crops, symmetries and noise for every method.

    The pixels lie on the device, clean ones as bytes. A set that it cannot hold stays in host memory, where
    the patches of the next step are cut while this one is trained on.

    Args:
        images: the training images.
        noise: corrupts them, and is given to a method that declares it. Where its parameter is unknown, every
            picture has its own, and the method is given the estimate from the picture's noisy copy.
        needs: what the batches hold. Nothing else is on the device, but for the clean pixels that resampled
            noise is drawn on.
        sampling: the number and size of the patches, and the seed.
        training_noise: ``frozen`` gives every image one noisy copy for the whole run, the same on every
            device; ``resampled`` draws anew for every patch, on the device.
        device: where the batches are.
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
        self.noise = noise
        self.needs = needs
        self.sampling = sampling
        self.noises = [noise_of_image(noise, picture.fingerprint, seed=sampling.seed) for picture in images]
        self.resampled = training_noise == "resampled"
        copies = self._copies(images.images)
        resident = holds(device, sum(image.nbytes for copy in copies.values() for image in copy))
        home = device if resident else torch.device("cpu")
        self.sources = {source: _flatten(pixels, home) for source, pixels in copies.items()}
        shapes = np.array([picture.pixels.shape for picture in images])
        self.channels = images.channels
        starts = np.concatenate([[0], np.cumsum(shapes.prod(axis=1))[:-1]])
        self.starts = torch.from_numpy(starts).to(home)
        self.widths = torch.from_numpy(shapes[:, 1].copy()).to(home)
        self.grid = torch.arange(sampling.patch, device=home)
        places = torch.from_numpy(_places(shapes, images.fingerprint, sampling))
        self.places = places.to(device)
        self.stream = None if resident else Prefetcher(lambda step: self._cut(places[step]), device)
        # A division by 255 may be a product with its reciprocal on an accelerator, which rounds otherwise.
        self.greys = torch.from_numpy(np.arange(256, dtype=np.float32) / np.float32(255)).to(device)
        self.rng = torch.Generator(device)
        if isinstance(noise, UnknownNoise):
            self.parameters = torch.tensor([own.parameter for own in self.noises], device=device)
            if "noise" in needs:
                self.estimates = torch.tensor(self._estimates(noise, images.images), device=device)

    def _copies(self, pictures: tuple[CleanImage, ...]) -> dict[str, list[np.ndarray]]:
        wanted = {"clean"} if self.resampled else self.needs - {"noise"}
        return {
            source: [
                self._copy(picture, noise, source)
                for picture, noise in zip(pictures, self.noises, strict=True)
            ]
            for source in sorted(wanted)
        }

    def _copy(self, picture: CleanImage, noise: Noise, source: str) -> np.ndarray:
        if source == "clean":
            return picture.pixels
        role = ("training noise", source, noise.spec, picture.fingerprint, self.sampling.seed)
        return noise.sample(intensities(picture), generator(*role))

    def _estimates(self, noise: UnknownNoise, pictures: tuple[CleanImage, ...]) -> list[float]:
        estimates = []
        for picture, own in zip(pictures, self.noises, strict=True):
            try:
                estimates.append(given_noise(noise, self._copy(picture, own, "noisy")).parameter)
            except InputError as error:
                raise InputError(f"{picture.name}: {error}") from error
        return estimates

    def __call__(self, step: int) -> Batch:
        """Cut the patches of one step, counted from 0, without waiting for the device."""
        cut = self.stream(step) if self.stream else self._cut(self.places[step])
        images = {source: self._intensities(patches).movedim(-1, 1) for source, patches in cut.items()}
        if self.resampled:
            images = {
                need: images["clean"] if need == "clean" else self._resample(images["clean"], need, step)
                for need in self.needs - {"noise"}
            }
        return Batch(images, self._given_noise(step) if "noise" in self.needs else None)

    def _given_noise(self, step: int) -> Noise:
        """Give the noise law with its one parameter, or with the estimate for each patch, (B, 1, 1, 1)."""
        return self.noise if isinstance(self.noise, Noise) else self._of_patches(self.estimates, step)

    def _of_patches(self, parameters: Tensor, step: int) -> Noise:
        model = self.noise.model if isinstance(self.noise, UnknownNoise) else type(self.noise)
        return model(parameters[self.places[step][:, 0]].view(-1, 1, 1, 1))

    def _cut(self, places: Tensor) -> dict[str, Tensor]:
        index = self._index(places)
        return {source: pixels[index] for source, pixels in self.sources.items()}

    def _index(self, places: Tensor) -> Tensor:
        """Give the flat position of every value of every patch, (B, P, P, C)."""
        picture, top, left, symmetry = (values[:, None] for values in places.unbind(dim=1))
        transposed, upset, mirrored = (((symmetry >> bit) & 1).bool() for bit in range(3))
        back = self.sampling.patch - 1 - self.grid
        row = (top + torch.where(upset, back, self.grid)) * self.widths[picture]
        column = left + torch.where(mirrored, back, self.grid)
        down, across = torch.where(transposed, column, row), torch.where(transposed, row, column)
        pixel = down[:, :, None] + across[:, None, :]
        channel = torch.arange(self.channels, device=pixel.device)
        return self.starts[picture][..., None, None] + pixel[..., None] * self.channels + channel

    def _intensities(self, values: Tensor) -> Tensor:
        return self.greys[values.int()] if values.dtype == torch.uint8 else values

    def _resample(self, clean: Tensor, need: str, step: int) -> Tensor:
        self.rng.manual_seed(seed_of("resampled noise", need, self.noise.spec, self.sampling.seed, step))
        own = self.noise if isinstance(self.noise, Noise) else self._of_patches(self.parameters, step)
        return own.draw(clean, self.rng)


def _flatten(pixels: list[np.ndarray], device: torch.device) -> Tensor:
    return torch.from_numpy(np.concatenate([image.ravel() for image in pixels])).to(device)


def _places(shapes: np.ndarray, fingerprint: str, sampling: Sampling) -> np.ndarray:
    """Draw picture, top, left and symmetry of every patch, (steps, batch, 4)."""
    rng = generator("crops", fingerprint, sampling.seed)
    size = (sampling.steps, sampling.batch)
    picture = rng.integers(len(shapes), size=size)
    room = shapes[picture, :2] - sampling.patch + 1
    corner = (rng.random((*size, 2)) * room).astype(np.int64)
    symmetry = rng.integers(8, size=size)
    return np.stack([picture, corner[..., 0], corner[..., 1], symmetry], axis=-1)
