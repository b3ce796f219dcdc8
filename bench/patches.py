"""Training patches: frozen noisy copies of every image, cut on the device by one gather."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from bench.blind import UnknownNoise, of_picture, told
from bench.errors import InputError
from bench.method import Batch, Need
from bench.noise import Noise
from bench.seeds import generator

if TYPE_CHECKING:
    from torch import Tensor

    from bench.images import ImageSet, Picture

TrainingNoise = Literal["frozen", "resampled"]


@dataclass(frozen=True)
class Sampling:
    """How many patches are cut, of which size, by which seed."""

    steps: int
    batch: int
    patch: int
    seed: int


class Patches:
    """The batches of one run, by step; the same crops, symmetries and noise for every method.

    Args:
        images: the training images.
        noise: corrupts them, and is given to a method that declares it. Where its parameter is unknown, every
            picture has its own, and the method is given the estimate from the picture's noisy copy.
        needs: what the batches hold. Nothing else is on the device, but for the clean pixels that resampled
            noise is drawn on.
        sampling: the number and size of the patches, and the seed.
        training_noise: ``frozen`` gives every image one noisy copy for the whole run; ``resampled`` draws
            anew for every patch.
        device: where the patches are cut.
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
        self.spec = noise.spec
        self.needs = needs
        self.sampling = sampling
        self.noises = [
            of_picture(noise, picture.fingerprint, seed=sampling.seed) for picture in images.pictures
        ]
        self.resampled = training_noise == "resampled"
        self.sources = {
            source: _flatten(pixels, device) for source, pixels in self._copies(images.pictures).items()
        }
        self.known = noise if isinstance(noise, Noise) else None
        if "noise" in needs and isinstance(noise, UnknownNoise):
            self.law = noise.law
            self.estimates = torch.tensor(self._estimates(noise, images.pictures), device=device)
        shapes = np.array([picture.pixels.shape for picture in images.pictures])
        self.channels = images.channels
        starts = np.concatenate([[0], np.cumsum(shapes.prod(axis=1))[:-1]])
        self.starts = torch.from_numpy(starts).to(device)
        self.widths = torch.from_numpy(shapes[:, 1].copy()).to(device)
        self.places = torch.from_numpy(_places(shapes, images.fingerprint, sampling)).to(device)
        self.grid = torch.arange(sampling.patch, device=device)

    def _copies(self, pictures: tuple[Picture, ...]) -> dict[str, list[np.ndarray]]:
        wanted = {"clean"} if self.resampled else self.needs - {"noise"}
        return {
            source: [
                self._copy(picture, noise, source)
                for picture, noise in zip(pictures, self.noises, strict=True)
            ]
            for source in sorted(wanted)
        }

    def _copy(self, picture: Picture, noise: Noise, source: str) -> np.ndarray:
        clean = intensities(picture)
        if source == "clean":
            return clean
        role = ("training noise", source, noise.spec, picture.fingerprint, self.sampling.seed)
        return noise.sample(clean, generator(*role))

    def _estimates(self, noise: UnknownNoise, pictures: tuple[Picture, ...]) -> list[float]:
        estimates = []
        for picture, own in zip(pictures, self.noises, strict=True):
            try:
                estimates.append(told(noise, self._copy(picture, own, "noisy")).parameter)
            except InputError as error:
                raise InputError(f"{picture.name}: {error}") from error
        return estimates

    def __call__(self, step: int) -> Batch:
        """Cut the patches of one step, counted from 0."""
        index = self._index(step)
        cut = {source: pixels[index].movedim(-1, 1) for source, pixels in self.sources.items()}
        if self.resampled:
            cut = {
                need: cut["clean"] if need == "clean" else self._resample(cut["clean"], need, step)
                for need in self.needs - {"noise"}
            }
        return Batch(cut, self._told(step) if "noise" in self.needs else None)

    def _told(self, step: int) -> Noise:
        """Give the noise law with its one parameter, or with the estimate for each patch, (B, 1, 1, 1)."""
        return self.known or self.law(self.estimates[self.places[step][:, 0]].view(-1, 1, 1, 1))

    def _index(self, step: int) -> Tensor:
        """Give the flat position of every value of every patch, (B, P, P, C)."""
        picture, top, left, symmetry = self.places[step].unbind(dim=1)
        last = self.sampling.patch - 1
        transposed, upset, mirrored = (((symmetry >> bit) & 1).bool()[:, None, None] for bit in range(3))
        down, across = self.grid[None, :, None], self.grid[None, None, :]
        down, across = torch.where(transposed, across, down), torch.where(transposed, down, across)
        row = top[:, None, None] + torch.where(upset, last - down, down)
        column = left[:, None, None] + torch.where(mirrored, last - across, across)
        pixel = row * self.widths[picture][:, None, None] + column
        channel = torch.arange(self.channels, device=pixel.device)
        return self.starts[picture][:, None, None, None] + pixel[..., None] * self.channels + channel

    def _resample(self, clean: Tensor, need: str, step: int) -> Tensor:
        rng = generator("resampled noise", need, self.spec, self.sampling.seed, step)
        own = (self.noises[picture] for picture in self.places[step][:, 0].tolist())
        noisy = [
            noise.sample(patch, rng)
            for noise, patch in zip(own, clean.movedim(1, -1).cpu().numpy(), strict=True)
        ]
        return torch.from_numpy(np.stack(noisy)).to(clean.device).movedim(-1, 1)


def intensities(picture: Picture) -> np.ndarray:
    """Scale a picture's 8-bit pixels to float32 in [0, 1], (H, W, C)."""
    return picture.pixels.astype(np.float32) / np.float32(255)


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
