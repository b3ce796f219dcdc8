"""Check whether a method learns, and measure what its training steps cost."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING

import torch

from bench.conformance.case import ConformanceError, small_unet
from bench.images.image_set import ImageSet
from bench.images.sources import open_set
from bench.scoring.denoiser import Denoiser
from bench.scoring.evaluate import mean_psnr
from bench.scoring.noisy_sets import corrupt
from bench.system.counters import count_work
from bench.training.loop import train
from bench.training.patches import Patches, Sampling
from bench.training.unet import UNet

if TYPE_CHECKING:
    from bench.conformance.case import Case
    from bench.images.clean_image import CleanImage

CPU = torch.device("cpu")
SAMPLING = Sampling(steps=200, batch=8, patch=32, seed=0)
WIDTH = 8
TEST_SIDE = 128
LEAST_GAIN = 1.0
LARGEST_COST = 1.2
PATCH = 64
"""Side of the patches whose cost is counted, in pixels: that of the recipes for a CPU."""


def learns(case: Case) -> str:
    """A small training run of 200 steps gains at least 1 dB over the noisy built-in photographs."""
    net = UNet(1, width=WIDTH, seed=0)
    needs, sampling = case.method.needs, SAMPLING.scaled(case.method.patch_scale)
    patches = Patches(_photographs(), case.noise, needs=needs, sampling=sampling, device=CPU)
    train(
        net,
        case.method,
        patches,
        precision="float32",
        device=CPU,
        report=lambda _: None,
    )
    return gains(case, net)


def gains(case: Case, net: UNet | None = None) -> str:
    """Denoising gains at least 1 dB over the noisy built-in photographs."""
    test = corrupt(_details(), case.noise, seed=0)
    noisy = fmean(image.scores["noisy_psnr"] for image in test.images)
    denoiser = Denoiser(net or small_unet(1), case.method, case.noise, CPU)
    gain = mean_psnr(denoiser, test) - noisy
    if gain < LEAST_GAIN:
        raise ConformanceError(
            f"denoising changes the mean PSNR of {noisy:.2f} dB by {gain:+.2f} dB; "
            f"at least {LEAST_GAIN:+g} dB is required"
        )
    return f"{gain:+.1f} dB"


def costs(case: Case) -> str:
    """The operations of a step, in those of supervised learning: at most 1.2 if its patches are larger."""
    net, scale = small_unet(1), case.method.patch_scale
    usual, own = case.batch(side=PATCH), case.batch(side=scale * PATCH)

    def step() -> None:
        case.loss(own, net=net).mean().backward()  # type: ignore[no-untyped-call]

    def one_pass() -> None:
        net(usual.noisy).mean().backward()

    # A step has fewer patches by the factor `scale`, here the same number.
    cost = count_work(step).flops / count_work(one_pass).flops / scale
    if scale > 1 and cost > LARGEST_COST:
        raise ConformanceError(
            f"with `patch_scale` {scale} a step costs {cost:.2f} times as much as a supervised one, but may "
            f"cost at most {LARGEST_COST:g} times as much; set patch_scale = 1"
        )
    return f"{cost:.2f} x"


@cache
def _photographs() -> ImageSet:
    return open_set("embedded-train", channels=1)


@cache
def _details() -> ImageSet:
    """Crop the centre of each built-in test photograph."""
    whole = open_set("embedded-test", channels=1)
    return ImageSet(whole.name, tuple(map(_centre, whole)), whole.channels, whole.licence, ())


def _centre(image: CleanImage) -> CleanImage:
    top, left = ((side - TEST_SIDE) // 2 for side in image.pixels.shape[:2])
    return replace(image, pixels=image.pixels[top : top + TEST_SIDE, left : left + TEST_SIDE].copy())
