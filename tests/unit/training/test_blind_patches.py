"""Patches under noise of unknown strength: each has the noise of its image, and comes with its estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from bench.errors import InputError
from bench.images.clean_image import intensities
from bench.images.sources import open_set
from bench.noise import Gaussian, Poisson
from bench.noise.blind import UnknownNoise
from bench.noise.level import estimate_noise
from bench.seeds import generator
from bench.training.patches import Patches, Sampling
from tests.support.runs import CPU

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.images.image_set import ImageSet

UNKNOWN = UnknownNoise(Gaussian, 20, 55)


def patches_of(
    images: ImageSet, *, training_noise: str = "frozen", needs: tuple[str, ...] = ("noisy", "noise")
):
    return Patches(
        images,
        UNKNOWN,
        needs=frozenset(needs),
        sampling=Sampling(steps=6, batch=8, patch=24, seed=3),
        training_noise=training_noise,
        device=CPU,
    )


@pytest.mark.parametrize("training_noise", ["frozen", "resampled"])
def test_each_patch_comes_with_the_estimate_of_its_image(
    tiny_set: Callable[[int], ImageSet], training_noise: str
):
    images = tiny_set(1)
    patches = patches_of(images, training_noise=training_noise)
    expected = []
    for image in images:
        noise = UNKNOWN.of_image(image.fingerprint, seed=3)
        role = ("training noise", "noisy", noise.spec, image.fingerprint, 3)
        noisy = noise.sample(intensities(image), generator(*role))
        expected.append(estimate_noise(Gaussian, noisy).parameter)
        assert expected[-1] != noise.parameter
    for step in range(6):
        numbers = patches.places[step][:, 0]
        given = patches(step).noise.sigma
        torch.testing.assert_close(given, torch.tensor(expected)[numbers].view(8, 1, 1, 1))


@pytest.mark.parametrize("training_noise", ["frozen", "resampled"])
def test_each_patch_has_the_noise_of_its_image(tiny_set: Callable[[int], ImageSet], training_noise: str):
    images = tiny_set(1)
    patches = patches_of(images, training_noise=training_noise, needs=("noisy", "clean"))
    squares: dict[int, list[float]] = {}
    for step in range(6):
        batch = patches(step)
        noise = (batch.noisy - batch.clean).square().mean(dim=(1, 2, 3))
        for number, square in zip(patches.places[step][:, 0].tolist(), noise.tolist(), strict=True):
            squares.setdefault(number, []).append(square)
    for number, image in enumerate(images):
        expected = UNKNOWN.of_image(image.fingerprint, seed=3).parameter
        # At least 24 x 24 values of Gaussian noise, whose mean square spreads by sqrt(2 / n) = 6 %.
        assert 255 * np.sqrt(np.mean(squares[number])) == pytest.approx(expected, rel=0.15)


def test_an_image_whose_noise_cannot_be_estimated_is_named(tmp_path: Path):
    Image.fromarray(np.zeros((40, 40), dtype=np.uint8)).save(tmp_path / "night.png")
    with pytest.raises(InputError, match=r"night\.png: .* black"):
        Patches(
            open_set(str(tmp_path), channels=1),
            UnknownNoise(Poisson, 0.005, 0.1),
            needs=frozenset({"noisy", "noise"}),
            sampling=Sampling(1, 1, 24, 0),
            device=CPU,
        )
