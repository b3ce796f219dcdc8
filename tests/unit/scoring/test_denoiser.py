"""Trained denoisers: what input they take, and how they count the passes of their network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.conformance.case import small_unet
from bench.errors import InputError
from bench.images.clean_image import CleanImage
from bench.noise import Gaussian, Noise
from bench.noise.blind import UnknownNoise
from bench.scoring.denoiser import Denoiser
from bench.scoring.evaluate import PIXELS_AT_ONCE, evaluate
from bench.scoring.noisy_sets import corrupt
from methods.noise2score import Noise2Score
from methods.supervised import Supervised
from tests.support.images import photograph
from tests.support.scoring import set_of

if TYPE_CHECKING:
    from bench.method import Network


UNKNOWN = UnknownNoise(Gaussian, 20, 55)


# Passes


@dataclass(frozen=True)
class Halves(Supervised):
    """Denoises by a number of passes over the image, and as many over every second row and column."""

    whole: int = 0
    halved: int = 0

    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        for _ in range(self.whole):
            noisy = net(noisy)
        for _ in range(self.halved):
            net(noisy[..., ::2, ::2])
        return noisy


@pytest.mark.parametrize(("whole", "halved", "passes"), [(1, 0, 1.0), (3, 0, 3.0), (0, 1, 0.25), (2, 2, 2.5)])
def test_passes_are_counted_in_sizes_of_the_image(
    monkeypatch: pytest.MonkeyPatch, whole: int, halved: int, passes: float
):
    pixels = [photograph(20, 30, 3, seed=n) for n in range(5)]
    images = set_of(*(CleanImage(str(n), each) for n, each in enumerate(pixels)))
    denoiser = Denoiser(small_unet(3), Halves(whole, halved), Gaussian(25), torch.device("cpu"))
    for at_once in (1, 1200):
        monkeypatch.setitem(PIXELS_AT_ONCE, "cpu", at_once)
        rows = evaluate(denoiser, corrupt(images, Gaussian(25), seed=0))
        assert [row["passes"] for row in rows] == [passes] * 5


def test_passes_that_only_estimate_the_noise_do_not_count(tiny_set):
    denoiser = Denoiser(small_unet(1), Noise2Score(level="quality"), UNKNOWN, torch.device("cpu"))
    once = corrupt(tiny_set(1), Gaussian(25), seed=0)
    assert {row["passes"] for row in evaluate(denoiser, once)} == {1.0}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (np.zeros((1, 3, 8, 8)), "a tensor of floats, white being 1, but was given ndarray"),
        (
            torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
            "a tensor of floats, white being 1, but was given torch.uint8",
        ),
        (torch.zeros(3, 8, 8), r"of shape \(B, 3, H, W\), but was given \(3, 8, 8\)"),
        (torch.zeros(1, 1, 8, 8), r"of shape \(B, 3, H, W\), but was given \(1, 1, 8, 8\)"),
    ],
)
def test_other_input_than_float_images_is_refused(given: object, reason: str):
    denoiser = Denoiser(small_unet(3), Supervised(), Gaussian(25), torch.device("cpu"))
    with pytest.raises(InputError, match=f"the denoiser needs .*{reason}"):
        denoiser(given)


def test_a_denoiser_returns_float32_of_the_same_shape():
    denoiser = Denoiser(small_unet(3), Supervised(), Gaussian(25), torch.device("cpu"))
    denoised = denoiser(torch.rand(2, 3, 9, 14, dtype=torch.float64))
    assert (denoised.shape, denoised.dtype) == ((2, 3, 9, 14), torch.float32)
    assert not denoised.requires_grad
