"""What denoising must satisfy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from bench.conformance.case import ConformanceError, draw_images, is_identical, small_unet, smooth_images
from bench.conformance.rng_guard import RngGuard, global_random_states

if TYPE_CHECKING:
    from torch import Tensor

    from bench.conformance.case import Case

SHAPES = [(1, 1, 37, 21), (2, 3, 5, 33), (1, 3, 1, 1)]
BATCH_TOLERANCE = 1e-5
"""Largest change of a denoised image with the rest of its batch, in intensities."""


def accepts_any_image_size(case: Case) -> None:
    """Images of any size, grey or colour, are returned in their shape, as finite float32 values."""
    for shape in SHAPES:
        noisy = draw_images(smooth_images(*shape), case.noise)["noisy"]
        _require_valid(case.denoise(noisy), noisy, f"images of shape {shape}")


def denoises_black_and_white(case: Case) -> None:
    """Images that are entirely black or white are returned finite."""
    for grey in (0.0, 1.0):
        noisy = case.batch(grey=grey).noisy
        _require_valid(case.denoise(noisy), noisy, f"images that are {grey:g} everywhere")


def denoises_images_independently(case: Case) -> None:
    """A denoised image does not depend on the other images of its batch."""
    noisy, net = case.batch().noisy.double(), small_unet(1).double()
    alone = torch.cat([case.denoise(image[None], net=net) for image in noisy])
    difference = float((case.denoise(noisy, net=net) - alone).abs().max())
    if difference > BATCH_TOLERANCE:
        raise ConformanceError(
            f"a denoised image changes by up to {difference:.2g} with the other images of its batch"
        )


def denoises_reproducibly(case: Case) -> None:
    """Denoising again gives the same result, and changes neither its input nor a global generator."""
    noisy, net = case.batch().noisy, small_unet(1)
    given, before = noisy.clone(), global_random_states()
    with RngGuard() as guard:
        first = case.denoise(noisy, net=net)
    if not is_identical(noisy, given):
        raise ConformanceError("denoising changes its input in place; work on a copy")
    if guard.stray_draws or global_random_states() != before:
        raise ConformanceError(
            "denoising draws from a global generator; make a torch.Generator with a fixed seed for each image"
        )
    if not is_identical(case.denoise(noisy, net=net), first):
        raise ConformanceError("denoising the same image again gives another result")


def _require_valid(denoised: Tensor, noisy: Tensor, what: str) -> None:
    if denoised.shape != noisy.shape:
        raise ConformanceError(
            f"{what} are returned in another shape, {tuple(denoised.shape)} instead of {tuple(noisy.shape)}"
        )
    if denoised.dtype != torch.float32:
        raise ConformanceError(f"{what} are returned as {denoised.dtype}, but must be torch.float32")
    if not denoised.isfinite().all():
        raise ConformanceError(f"{what} are returned with values that are not finite")
