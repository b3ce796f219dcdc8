"""Whether a method learns, and what its steps cost."""

from __future__ import annotations

from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING

import torch

from bench.conformance.case import ConformanceError, awake
from bench.images.image_set import CleanImage, ImageSet
from bench.images.sources import open_set
from bench.scoring.denoiser import Denoiser
from bench.scoring.evaluate import mean_psnr
from bench.scoring.noisy_sets import corrupt
from bench.system.counters import count_work
from bench.training.loop import train
from bench.training.patches import Patches, Sampling
from bench.training.unet import UNet

if TYPE_CHECKING:
    from bench.conformance.case import Subject

CPU = torch.device("cpu")
SAMPLING = Sampling(steps=200, batch=8, patch=32, seed=0)
WIDTH = 8
LEARNING_RATE = 0.005  # higher than in a full training, which goes on for longer
TEST_SIDE = 128
LEAST_GAIN = 1.0


def learns(subject: Subject) -> str:
    """A small training of 200 steps gains at least 1 dB over the noisy images of the built-in photographs."""
    net = UNet(1, width=WIDTH, seed=0)
    needs = subject.method.needs
    patches = Patches(_photographs(), subject.noise, needs=needs, sampling=SAMPLING, device=CPU)
    train(
        net,
        subject.method,
        patches,
        precision="float32",
        device=CPU,
        report=lambda _: None,
        learning_rate=LEARNING_RATE,
    )
    return gains(subject, net)


def gains(subject: Subject, net: UNet | None = None) -> str:
    """Denoising gains at least 1 dB over the noisy images of the built-in photographs."""
    test = corrupt(_details(), subject.noise, seed=0)
    noisy = fmean(image.scores["noisy_psnr"] for image in test.images)
    denoiser = Denoiser(net or awake(1), subject.method, subject.noise, CPU)
    gain = mean_psnr(denoiser, test) - noisy
    if gain < LEAST_GAIN:
        raise ConformanceError(
            f"the denoised images are {gain:+.2f} dB from the noisy ones, which have {noisy:.2f} dB; "
            f"at least {LEAST_GAIN:+g} dB is asked for"
        )
    return f"{gain:+.1f} dB"


def costs(subject: Subject) -> str:
    """The operations of a step, as a multiple of one pass of the network forth and back (no limit)."""
    batch, net = subject.batch(), awake(1)

    def step() -> None:
        subject.loss(batch, net=net).mean().backward()  # type: ignore[no-untyped-call]

    def bare() -> None:
        net(batch.noisy).mean().backward()

    return f"{count_work(step).flops / count_work(bare).flops:.2f} x"


@cache
def _photographs() -> ImageSet:
    return open_set("embedded-train", channels=1)


@cache
def _details() -> ImageSet:
    """Cut the centre of each built-in test photograph."""
    whole = open_set("embedded-test", channels=1)
    return ImageSet(
        whole.name, tuple(_centre(picture) for picture in whole), whole.channels, whole.licence, ()
    )


def _centre(picture: CleanImage) -> CleanImage:
    top, left = ((side - TEST_SIDE) // 2 for side in picture.pixels.shape[:2])
    return CleanImage(picture.name, picture.pixels[top : top + TEST_SIDE, left : left + TEST_SIDE].copy())
