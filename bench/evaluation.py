"""Evaluation: whole test images, corrupted once for every method, scored one by one."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from bench.devices import synchronise
from bench.metrics import psnr, ssim
from bench.patches import intensities
from bench.seeds import generator

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from torch import Tensor

    from bench.denoiser import Denoiser
    from bench.images import ImageSet
    from bench.metrics import Lpips
    from bench.noise import Noise


class EvaluationError(RuntimeError):
    """A denoiser whose output cannot be scored."""


@dataclass(frozen=True)
class NoisyImage:
    """One test image.

    Args:
        name: of its file.
        clean: x, (1, C, H, W), float32 in [0, 1].
        noisy: y, likewise, neither clipped nor rounded.
        scores: ``noisy_psnr`` and ``noisy_ssim`` of y as it is.
    """

    name: str
    clean: Tensor
    noisy: Tensor
    scores: dict[str, float]


@dataclass(frozen=True)
class NoisySet:
    """A corrupted test set, the same bytes for every method and device.

    Args:
        images: in the order of the set.
        name: of the set.
        noise: under which it was corrupted.
        fingerprint: of the clean set.
        sha256: over all noisy images' float32 bytes.
    """

    images: tuple[NoisyImage, ...]
    name: str
    noise: Noise
    fingerprint: str
    sha256: str


def corrupt(images: ImageSet, noise: Noise, *, seed: int) -> NoisySet:
    """Draw the one noisy copy of every test image, on the CPU, keyed by image, noise and seed."""
    digest = hashlib.sha256()
    corrupted = []
    for picture in images.pictures:
        role = ("test noise", noise.spec, picture.fingerprint, seed)
        clean = intensities(picture)
        noisy = noise.sample(clean, generator(*role))
        digest.update(noisy.tobytes())
        x, y = _as_batch(clean), _as_batch(noisy)
        scores = {"noisy_psnr": psnr(y, x).item(), "noisy_ssim": ssim(y, x).item()}
        corrupted.append(NoisyImage(picture.name, x, y, scores))
    return NoisySet(tuple(corrupted), images.name, noise, images.fingerprint, digest.hexdigest())


def evaluate(
    denoiser: Denoiser,
    noisy_set: NoisySet,
    *,
    lpips: Lpips | None = None,
    keep: Callable[[str, Tensor], None] | None = None,
) -> list[dict[str, Any]]:
    """Score a denoiser on every image of a set.

    The outputs are clamped to [0, 1] once, before the metrics, and never rounded.

    Args:
        denoiser: computes in float32.
        noisy_set: the test images.
        lpips: the perceptual metric, where it can be had.
        keep: called with each image's name and its clamped output, (1, C, H, W).

    Returns:
        One row per image: image, psnr (dB), ssim, lpips (None without the metric), noisy_psnr, noisy_ssim,
        seconds (of denoising), estimate (of the noise's parameter, None where it is told and kept).

    Raises:
        EvaluationError: an output is not finite, or has another shape than its input.
    """
    rows = []
    for image in noisy_set.images:
        started = time.perf_counter()
        output = denoiser(image.noisy)
        synchronise(denoiser.device)
        seconds = time.perf_counter() - started
        denoised = _check(output.cpu(), image).clamp(0, 1)
        rows.append(
            {
                "image": image.name,
                "psnr": psnr(denoised, image.clean).item(),
                "ssim": ssim(denoised, image.clean).item(),
                "lpips": None if lpips is None else lpips(denoised, image.clean).item(),
                **image.scores,
                "seconds": seconds,
                "estimate": denoiser.estimate(image.noisy),
            }
        )
        if keep:
            keep(image.name, denoised)
    return rows


def _as_batch(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image).movedim(-1, 0)[None].contiguous()


def _check(output: Tensor, image: NoisyImage) -> Tensor:
    if output.shape != image.noisy.shape:
        raise EvaluationError(
            f"the denoised {image.name} has shape {tuple(output.shape)}, its input {tuple(image.noisy.shape)}"
        )
    if not torch.isfinite(output).all():
        raise EvaluationError(f"the denoised {image.name} holds values that are not finite")
    return output
