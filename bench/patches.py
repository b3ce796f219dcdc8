"""Training patches: frozen noisy copies of every image, cut on the device by one gather."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from bench.method import Batch, Need
from bench.seeds import generator

if TYPE_CHECKING:
    from torch import Tensor

    from bench.images import ImageSet, Picture
    from bench.noise import Noise

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
        noise: corrupts them, and is given to a method that declares it.
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
        noise: Noise,
        *,
        needs: frozenset[Need],
        sampling: Sampling,
        training_noise: TrainingNoise = "frozen",
        device: torch.device,
    ) -> None:
        self.noise = noise
        self.needs = needs
        self.sampling = sampling
        self.resampled = training_noise == "resampled"
        self.sources = {
            source: _flatten(pixels, device) for source, pixels in self._copies(images.pictures).items()
        }
        shapes = np.array([picture.pixels.shape for picture in images.pictures])
        self.channels = images.channels
        starts = np.concatenate([[0], np.cumsum(shapes.prod(axis=1))[:-1]])
        self.starts = torch.from_numpy(starts).to(device)
        self.widths = torch.from_numpy(shapes[:, 1].copy()).to(device)
        self.places = torch.from_numpy(_places(shapes, images.fingerprint, sampling)).to(device)
        self.grid = torch.arange(sampling.patch, device=device)

    def _copies(self, pictures: tuple[Picture, ...]) -> dict[str, list[np.ndarray]]:
        wanted = {"clean"} if self.resampled else self.needs - {"noise"}
        return {source: [self._copy(picture, source) for picture in pictures] for source in sorted(wanted)}

    def _copy(self, picture: Picture, source: str) -> np.ndarray:
        clean = intensities(picture)
        if source == "clean":
            return clean
        role = ("training noise", source, self.noise.spec, picture.fingerprint, self.sampling.seed)
        return self.noise.sample(clean, generator(*role))

    def __call__(self, step: int) -> Batch:
        """Cut the patches of one step, counted from 0."""
        index = self._index(step)
        cut = {source: pixels[index].movedim(-1, 1) for source, pixels in self.sources.items()}
        if self.resampled:
            cut = {
                need: cut["clean"] if need == "clean" else self._resample(cut["clean"], need, step)
                for need in self.needs - {"noise"}
            }
        return Batch(cut, self.noise if "noise" in self.needs else None)

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
        role = ("resampled noise", need, self.noise.spec, self.sampling.seed, step)
        noisy = self.noise.sample(clean.movedim(1, -1).cpu().numpy(), generator(*role))
        return torch.from_numpy(noisy).to(clean.device).movedim(-1, 1)


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
