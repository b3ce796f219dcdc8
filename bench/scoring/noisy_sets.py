"""Noisy test sets: one noisy copy of each image, identical for every method and device."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from bench.errors import InputError
from bench.images.clean_image import intensities
from bench.scoring.metrics import psnr, ssim
from bench.seeds import generator

if TYPE_CHECKING:
    from torch import Tensor

    from bench.images.image_set import ImageSet
    from bench.noise import Noise


@dataclass(frozen=True)
class NoisyImage:
    """A test image with its noisy copy.

    Args:
        name: file name.
        clean: x, (1, C, H, W), float32 in [0, 1].
        noisy: y, the same shape and type, neither clipped nor rounded.
        scores: ``noisy_psnr`` and ``noisy_ssim``, the scores of y itself.
    """

    name: str
    clean: Tensor
    noisy: Tensor
    scores: dict[str, float]


@dataclass(frozen=True)
class NoisySet:
    """A test set with noise, identical for every method and device.

    Args:
        images: images in the order of the set, without those that the noise leaves unchanged.
        name: name of the set.
        noise: noise that corrupted it.
        fingerprint: fingerprint of the clean set, with those images.
        sha256: sha256 over the float32 bytes of all noisy images.
    """

    images: tuple[NoisyImage, ...]
    name: str
    noise: Noise
    fingerprint: str
    sha256: str


def corrupt(images: ImageSet, noise: Noise, *, seed: int) -> NoisySet:
    """Draw the one noisy copy of every test image, on the CPU, keyed by image, noise and seed.

    Images that the noise leaves unchanged, such as black ones under Poisson or Gamma noise, are left out:
    there is nothing to denoise, and their noisy PSNR is infinite.

    Raises:
        InputError: the noise leaves all images unchanged.
    """
    digest = hashlib.sha256()
    corrupted = []
    for image in images:
        role = ("test noise", noise.spec, image.fingerprint, seed)
        clean = intensities(image)
        noisy = noise.sample(clean, generator(*role))
        digest.update(noisy.tobytes())
        if np.array_equal(clean, noisy):
            continue
        x, y = _as_batch(clean), _as_batch(noisy)
        scores = {"noisy_psnr": psnr(y, x).item(), "noisy_ssim": ssim(y, x).item()}
        corrupted.append(NoisyImage(image.name, x, y, scores))
    if not corrupted:
        raise InputError(
            f"image set {images.name!r}: {noise.spec} leaves all images unchanged; one must not be black"
        )
    return NoisySet(tuple(corrupted), images.name, noise, images.fingerprint, digest.hexdigest())


def _as_batch(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image).movedim(-1, 0)[None].contiguous()
