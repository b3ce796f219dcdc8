"""Evaluate denoisers on whole test images, corrupted once for all methods, with one score per image."""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING, Any

import torch

from bench.protocol import LARGEST_PSNR
from bench.scoring.metrics import fits_alexnet, psnr, ssim
from bench.system.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from bench.scoring.denoiser import Denoiser
    from bench.scoring.metrics import Lpips
    from bench.scoring.noisy_sets import NoisyImage, NoisySet

PIXELS_AT_ONCE = {"cuda": 2**22}
"""Pixels per batch by device type; other devices denoise single images, which suits a CPU's caches."""


class EvaluationError(RuntimeError):
    """A denoiser whose output cannot be scored."""


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
        denoiser: denoiser, which computes in float32.
        noisy_set: the test images.
        lpips: the perceptual metric, if available.
        keep: called with each image's name and its clamped output, (1, C, H, W).

    Returns:
        One row per image: image, psnr (dB, at most ``LARGEST_PSNR``), ssim, lpips (None without the metric,
        or if the image is too small for it), noisy_psnr, noisy_ssim, seconds (of denoising), estimate (of the
        noise's parameter, None if the given one is used), passes (the pixels that the network processed, over
        those of the image).

    Raises:
        EvaluationError: an output is not finite, or its shape differs from the input's.
    """
    rows: dict[str, dict[str, Any]] = {}
    for image, denoised, seconds, passes in _denoised(denoiser, noisy_set):
        rows[image.name] = {
            "image": image.name,
            "psnr": bounded_psnr(denoised, image.clean),
            "ssim": ssim(denoised, image.clean).item(),
            "lpips": lpips(denoised, image.clean).item()
            if lpips and fits_alexnet(*image.clean.shape[2:])
            else None,
            **image.scores,
            "seconds": seconds,
            "estimate": denoiser.estimate(image.noisy),
            "passes": passes,
        }
        if keep:
            keep(image.name, denoised)
    return [rows[image.name] for image in noisy_set.images]


def mean_psnr(denoiser: Denoiser, noisy_set: NoisySet) -> float:
    """Compute only the mean PSNR of a set in dB, as ``evaluate`` would.

    Raises:
        EvaluationError: as raised by ``evaluate``.
    """
    return fmean(
        bounded_psnr(denoised, image.clean) for image, denoised, *_ in _denoised(denoiser, noisy_set)
    )


def bounded_psnr(denoised: Tensor, clean: Tensor) -> float:
    """Compute the PSNR of one image (1, C, H, W), at most ``LARGEST_PSNR``, so that every mean is finite."""
    return min(psnr(denoised, clean).item(), LARGEST_PSNR)


def _denoised(denoiser: Denoiser, noisy_set: NoisySet) -> Iterator[tuple[NoisyImage, Tensor, float, float]]:
    """Denoise images of equal size together; yield each with its clamped output, seconds and passes."""
    for images in _batches(noisy_set.images, pixels=PIXELS_AT_ONCE.get(denoiser.device.type, 1)):
        noisy = torch.cat([image.noisy for image in images])
        clock = Stopwatch(denoiser.device)
        outputs, passes = denoiser.denoise_and_count(noisy)
        seconds = clock.seconds / len(images)
        if outputs.shape != noisy.shape:
            raise EvaluationError(
                f"the denoised {images[0].name} has shape {tuple(outputs.shape)}, "
                f"its input {tuple(noisy.shape)}"
            )
        for image, output in zip(images, outputs.cpu()[:, None], strict=True):
            if not torch.isfinite(output).all():
                raise EvaluationError(f"the denoised {image.name} holds values that are not finite")
            yield image, output.clamp(0, 1), seconds, passes


def _batches(images: tuple[NoisyImage, ...], *, pixels: int) -> Iterator[list[NoisyImage]]:
    """Group images of equal size, each group with at most ``pixels`` pixels but at least one image."""
    by_size: dict[tuple[int, ...], list[NoisyImage]] = {}
    for image in images:
        by_size.setdefault(tuple(image.noisy.shape), []).append(image)
    for size, alike in by_size.items():
        count = max(1, pixels // math.prod(size[-2:]))
        yield from (alike[first : first + count] for first in range(0, len(alike), count))
