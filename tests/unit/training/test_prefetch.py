"""Streaming: patches of a set that the device cannot hold are those of one that it can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from bench.method import NEEDS, Batch
from bench.noise import Gaussian
from bench.noise.blind import UnknownNoise
from bench.training.patches import Patches, Sampling

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.images.image_set import ImageSet
    from bench.noise import Noise

pytestmark = pytest.mark.gpu

SAMPLING = Sampling(steps=6, batch=24, patch=20, seed=0)


def patches_of(images: ImageSet, noise: Noise | UnknownNoise, *, training_noise: str) -> Patches:
    return Patches(
        images,
        noise,
        needs=frozenset(NEEDS),
        sampling=SAMPLING,
        training_noise=training_noise,
        device=torch.device("cuda"),
    )


def held(batch: Batch) -> dict[str, torch.Tensor]:
    """Copy what a batch holds to the host."""
    level = torch.as_tensor(batch.noise.level)
    return {name: tensor.cpu() for name, tensor in (batch.images | {"level": level}).items()}


@pytest.mark.parametrize("order", [range(6), (4, 0, 0, 5, 1, 2)], ids=["in order", "out of order"])
@pytest.mark.parametrize("training_noise", ["frozen", "resampled"])
@pytest.mark.parametrize("noise", [Gaussian(25), UnknownNoise(Gaussian, 20, 55)], ids=["known", "unknown"])
def test_prefetched_patches_are_the_resident_ones(
    tiny_set: Callable[[int], ImageSet],
    monkeypatch: pytest.MonkeyPatch,
    noise: Noise | UnknownNoise,
    training_noise: str,
    order: tuple[int, ...],
) -> None:
    images = tiny_set(3)
    resident = patches_of(images, noise, training_noise=training_noise)
    monkeypatch.setattr("bench.training.patches.has_room_for_images", lambda device, size: False)
    streamed = patches_of(images, noise, training_noise=training_noise)
    assert resident.prefetcher is None
    assert {values.device.type for values in streamed.sources.values()} == {"cpu"}
    # Copied to the host only after the last, so that a buffer used again too early would show.
    pairs = [(resident(step), streamed(step)) for step in order]
    for here, there in pairs:
        assert all(image.is_cuda for image in there.images.values())
        expected, found = held(here), held(there)
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[name], found[name]) for name in expected)
