"""What denoising must keep to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from bench.conformance.case import ConformanceError, awake, images_of, same, smooth
from bench.conformance.rng_guard import Watch, global_random_states

if TYPE_CHECKING:
    from torch import Tensor

    from bench.conformance.case import Subject

SHAPES = [(1, 1, 37, 21), (2, 3, 5, 33), (1, 3, 1, 1)]
ALONE = 1e-5
"""By how much an output may differ when it is computed in other company, in intensities."""


def keeps_any_shape(subject: Subject) -> None:
    """Images of any size, grey or colour, come back in their shape, float32 and finite."""
    for shape in SHAPES:
        noisy = images_of(smooth(*shape), subject.noise)["noisy"]
        _admit(subject.denoise(noisy), noisy, f"images of shape {shape}")


def denoises_black_and_white(subject: Subject) -> None:
    """Images that are black or white throughout come back finite."""
    for grey in (0.0, 1.0):
        noisy = subject.batch(grey=grey).noisy
        _admit(subject.denoise(noisy), noisy, f"images that are {grey:g} throughout")


def denoises_images_alone(subject: Subject) -> None:
    """An image comes back the same whatever stands beside it in the batch."""
    noisy, net = subject.batch().noisy.double(), awake(1).double()
    alone = torch.cat([subject.denoise(image[None], net=net) for image in noisy])
    apart = float((subject.denoise(noisy, net=net) - alone).abs().max())
    if apart > ALONE:
        raise ConformanceError(
            f"an image comes back otherwise, by up to {apart:.2g}, when others stand beside it in the batch"
        )


def denoises_the_same_again(subject: Subject) -> None:
    """The same image comes back the same again; it is not changed, nor any global generator."""
    noisy, net = subject.batch().noisy, awake(1)
    given, before = noisy.clone(), global_random_states()
    with Watch() as watch:
        first = subject.denoise(noisy, net=net)
    if not same(noisy, given):
        raise ConformanceError("denoising changes its input in place; work on a copy")
    if watch.strays or global_random_states() != before:
        raise ConformanceError(
            "denoising draws from a global generator; make a torch.Generator with a fixed seed for each image"
        )
    if not same(subject.denoise(noisy, net=net), first):
        raise ConformanceError("the same image comes back otherwise when it is denoised again")


def _admit(denoised: Tensor, noisy: Tensor, what: str) -> None:
    if denoised.shape != noisy.shape:
        raise ConformanceError(
            f"{what} come back in another shape, {tuple(denoised.shape)} for {tuple(noisy.shape)}"
        )
    if denoised.dtype != torch.float32:
        raise ConformanceError(f"{what} come back as {denoised.dtype}, but must be torch.float32")
    if not denoised.isfinite().all():
        raise ConformanceError(f"{what} come back with values that are not finite")
