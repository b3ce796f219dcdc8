"""Evaluation: the same noisy bytes for every denoiser, one clamp, one row per image."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.evaluation import EvaluationError, NoisySet, corrupt, evaluate
from bench.images import ImageSet, Picture
from bench.metrics import ssim
from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.patches import Patches, Sampling

if TYPE_CHECKING:
    from collections.abc import Callable

NOISES = [Gaussian(25), Poisson(0.05), Gamma(50)]

every_noise = pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.spec)
colour_or_grey = pytest.mark.parametrize("channels", [1, 3])


@dataclass
class Rule:
    """A denoiser without a network."""

    rule: Callable[[Tensor], Tensor]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __call__(self, noisy: Tensor) -> Tensor:
        return self.rule(noisy)


def set_of(*pictures: Picture) -> ImageSet:
    return ImageSet("some", pictures, pictures[0].pixels.shape[2], "", ())


def noisy_bytes(noisy_set: NoisySet) -> dict[str, bytes]:
    """Give each image's noise as the float32 bytes of (H, W, C)."""
    return {image.name: image.noisy[0].movedim(0, -1).numpy().tobytes() for image in noisy_set.images}


def psnr_by_numpy(output: Tensor, clean: Tensor) -> float:
    error = output.numpy().astype(np.float64) - clean.numpy().astype(np.float64)
    return -10 * math.log10((error**2).mean())


# Corruption


@every_noise
@colour_or_grey
def test_corruption_repeats_and_its_hash_is_over_the_bytes(tiny_set, noise: Noise, channels: int):
    images = tiny_set(channels)
    first, again = (corrupt(images, noise, seed=0) for _ in range(2))
    assert noisy_bytes(first) == noisy_bytes(again)
    assert first.sha256 == again.sha256
    assert first.sha256 == hashlib.sha256(b"".join(noisy_bytes(first).values())).hexdigest()
    assert (first.name, first.fingerprint) == (images.name, images.fingerprint)
    assert [image.name for image in first.images] == [picture.name for picture in images.pictures]


def test_hash_tells_seeds_and_noises_apart(tiny_set):
    images = tiny_set(1)
    draws = [(noise, seed) for noise in [*NOISES, Gaussian(25.001), Gaussian(50)] for seed in (0, 1)]
    assert len({corrupt(images, noise, seed=seed).sha256 for noise, seed in draws}) == len(draws)


def test_fields_of_seeds_levels_and_roles_are_unrelated(tiny_set):
    images = tiny_set(1)
    drawn = [
        corrupt(images, Gaussian(sigma), seed=seed).images[0] for sigma, seed in [(25, 0), (25, 1), (50, 0)]
    ]
    fields = [(image.noisy - image.clean).flatten().numpy() for image in drawn]
    training = Patches(
        images,
        Gaussian(25),
        needs=frozenset({"noisy", "clean"}),
        sampling=Sampling(steps=1, batch=1, patch=11, seed=0),
        device=torch.device("cpu"),
    )
    learnt = (training.sources["noisy"] - training.sources["clean"]).numpy()
    fields.append(learnt[: fields[0].size])
    for first, second in combinations(fields, 2):
        # A correlation of n independent pairs spreads by 1 / sqrt(n).
        assert abs(np.corrcoef(first, second)[0, 1]) < 5 / math.sqrt(first.size)


def test_noise_is_keyed_by_pixels_and_not_by_order_or_name(tiny_set):
    images = tiny_set(1)
    expected = noisy_bytes(corrupt(images, Gaussian(25), seed=0))
    backwards = corrupt(set_of(*reversed(images.pictures)), Gaussian(25), seed=0)
    assert noisy_bytes(backwards) == expected
    last = images.pictures[-1]
    alone = corrupt(set_of(Picture("renamed", last.pixels)), Gaussian(25), seed=0)
    assert noisy_bytes(alone)["renamed"] == expected[last.name]
    changed = last.pixels.copy()
    changed[0, 0] ^= 1
    touched = corrupt(set_of(Picture(last.name, changed)), Gaussian(25), seed=0)
    assert abs(touched.images[0].noisy - corrupt(images, Gaussian(25), seed=0).images[-1].noisy).mean() > 0.05


@every_noise
@colour_or_grey
def test_noisy_images_are_neither_clipped_nor_rounded(tiny_set, noise: Noise, channels: int):
    images = tiny_set(channels)
    for image, picture in zip(corrupt(images, noise, seed=0).images, images.pictures, strict=True):
        assert image.clean.dtype == image.noisy.dtype == torch.float32
        assert image.clean.shape == image.noisy.shape == (1, channels, *picture.pixels.shape[:2])
        np.testing.assert_array_equal(image.clean[0].movedim(0, -1) * 255, picture.pixels)
        spread = (image.noisy - image.clean).double().square().mean()
        # The squared error of n values: relative error sqrt(2 / n) for normal noise, n >= 1600; counts are
        # heavier-tailed, so six of these.
        expected = noise.variance(image.clean.double().numpy()).mean()
        assert spread.item() == pytest.approx(expected, rel=6 * math.sqrt(2 / image.clean.numel()))
    highest = max(image.noisy.max().item() for image in corrupt(images, noise, seed=0).images)
    assert highest > 1


@every_noise
def test_noisy_scores_are_those_of_the_noisy_image_as_it_is(tiny_set, noise: Noise):
    for image in corrupt(tiny_set(3), noise, seed=0).images:
        assert image.scores["noisy_psnr"] == pytest.approx(psnr_by_numpy(image.noisy, image.clean), abs=1e-9)
        assert image.scores["noisy_ssim"] == ssim(image.noisy, image.clean).item()
        assert image.scores.keys() == {"noisy_psnr", "noisy_ssim"}


# Scores


@colour_or_grey
@pytest.mark.parametrize(
    "rule",
    [lambda y: 2 * y, lambda y: y - 0.3, lambda y: 0.5 + 0.1 * y, lambda y: -y],
    ids=["too bright", "too dark", "within range", "all black"],
)
def test_outputs_are_clamped_once_and_never_rounded(tiny_set, rule, channels: int):
    noisy_set = corrupt(tiny_set(channels), Gaussian(25), seed=0)
    kept: dict[str, Tensor] = {}
    rows = evaluate(Rule(rule), noisy_set, keep=kept.__setitem__)
    assert list(kept) == [image.name for image in noisy_set.images]
    for row, image in zip(rows, noisy_set.images, strict=True):
        clamped = torch.from_numpy(np.clip(rule(image.noisy).numpy(), 0, 1))
        assert torch.equal(kept[image.name], clamped)
        assert row["psnr"] == pytest.approx(psnr_by_numpy(clamped, image.clean), abs=1e-9)
        assert row["ssim"] == ssim(clamped, image.clean).item()


def test_one_row_per_image_in_order(tiny_set):
    noisy_set = corrupt(tiny_set(1), Gaussian(25), seed=0)
    rows = evaluate(Rule(lambda y: y), noisy_set)
    assert [row["image"] for row in rows] == [image.name for image in noisy_set.images]
    for row, image in zip(rows, noisy_set.images, strict=True):
        assert list(row) == ["image", "psnr", "ssim", "lpips", "noisy_psnr", "noisy_ssim", "seconds"]
        assert row["lpips"] is None
        assert {name: row[name] for name in image.scores} == image.scores
        assert row["seconds"] > 0
        assert all(isinstance(row[name], float) for name in ("psnr", "ssim", "seconds"))


def test_lpips_meets_the_clamped_output_and_the_clean_image(tiny_set):
    noisy_set = corrupt(tiny_set(1), Gaussian(25), seed=0)
    rows = evaluate(Rule(lambda y: 2 * y), noisy_set, lpips=lambda denoised, clean: (denoised - clean).mean())
    for row, image in zip(rows, noisy_set.images, strict=True):
        assert row["lpips"] == ((2 * image.noisy).clamp(0, 1) - image.clean).mean().item()


def test_identity_scores_as_the_noisy_image_but_for_the_clamp(tiny_set):
    images, identity = tiny_set(1), Rule(lambda y: y)
    # Grey levels from 20 to 240 are far enough from black and white for a noise of one level.
    for row in evaluate(identity, corrupt(images, Gaussian(1), seed=0)):
        assert row["psnr"] == row["noisy_psnr"]
    for row in evaluate(identity, corrupt(images, Gaussian(50), seed=0)):
        assert row["psnr"] > row["noisy_psnr"] + 0.1


def test_denoiser_sees_the_noisy_image_alone(tiny_set):
    noisy_set = corrupt(tiny_set(1), Gaussian(25), seed=0)
    seen: list[Tensor] = []
    evaluate(Rule(lambda y: seen.append(y) or y), noisy_set)
    assert len(seen) == len(noisy_set.images)
    assert all(torch.equal(given, image.noisy) for given, image in zip(seen, noisy_set.images, strict=True))


# Refusals


def spoilt(noisy: Tensor, value: float) -> Tensor:
    noisy = noisy.clone()
    noisy[0, 0, 3, 4] = value
    return noisy


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_output_that_is_not_finite(tiny_set, value: float):
    noisy_set = corrupt(tiny_set(1), Gaussian(25), seed=0)
    second = noisy_set.images[1]
    denoiser = Rule(lambda y: spoilt(y, value) if y.shape == second.noisy.shape else y)
    with pytest.raises(EvaluationError, match=f"{second.name}.*not finite"):
        evaluate(denoiser, noisy_set)


@pytest.mark.parametrize("change", [lambda y: y[..., 1:], lambda y: y[0], lambda y: y.expand(1, 3, -1, -1)])
def test_output_of_another_shape(tiny_set, change):
    noisy_set = corrupt(tiny_set(1), Gaussian(25), seed=0)
    first = noisy_set.images[0]
    with pytest.raises(EvaluationError, match=first.name) as caught:
        evaluate(Rule(change), noisy_set)
    assert str(tuple(first.noisy.shape)) in str(caught.value)
    assert str(tuple(change(first.noisy).shape)) in str(caught.value)


def test_the_clean_image_scores_at_infinity(tiny_set):
    image = corrupt(set_of(tiny_set(1).pictures[0]), Gaussian(25), seed=0)
    (row,) = evaluate(Rule(lambda _: image.images[0].clean), image)
    assert row["psnr"] == math.inf
    assert row["ssim"] == pytest.approx(1, abs=1e-12)
