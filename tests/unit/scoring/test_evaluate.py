"""Evaluation: one clamp, one row per image, and outputs that cannot be scored."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.conformance.case import small_unet
from bench.images.clean_image import CleanImage
from bench.noise import Gaussian
from bench.protocol import LARGEST_PSNR
from bench.scoring.evaluate import PIXELS_AT_ONCE, EvaluationError, evaluate, mean_psnr
from bench.scoring.metrics import ssim
from bench.scoring.noisy_sets import NoisySet, corrupt
from tests.support.images import photograph
from tests.support.scoring import Rule, colour_or_grey, psnr_by_numpy, set_of

SIZES = [(30, 40), (40, 30), (31, 31)]

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
        scores = ["psnr", "ssim", "lpips", "noisy_psnr", "noisy_ssim"]
        assert list(row) == ["image", *scores, "seconds", "estimate", "passes"]
        assert row["lpips"] is row["estimate"] is None
        assert {name: row[name] for name in image.scores} == image.scores
        assert row["seconds"] > 0
        assert all(isinstance(row[name], float) for name in ("psnr", "ssim", "seconds"))


def test_the_mean_psnr_is_that_of_the_rows(tiny_set):
    noisy_set = corrupt(tiny_set(3), Gaussian(50), seed=0)
    denoiser = Rule(lambda y: 0.9 * y)
    assert mean_psnr(denoiser, noisy_set) == np.mean([row["psnr"] for row in evaluate(denoiser, noisy_set)])


@pytest.fixture
def mixed_sizes() -> NoisySet:
    """Corrupt five images of 20 x 30 pixels, and between them two of as many pixels the other way round."""
    shapes = [(20, 30), (20, 30), (30, 20), (20, 30), (20, 30), (30, 20), (20, 30)]
    images = [CleanImage(str(n), photograph(*size, 1, seed=n)[..., None]) for n, size in enumerate(shapes)]
    return corrupt(set_of(*images), Gaussian(25), seed=0)


@pytest.mark.parametrize(("pixels", "counts"), [(1, [1] * 7), (1200, [2, 2, 1, 2]), (1799, [2, 2, 1, 2])])
def test_images_of_equal_size_are_denoised_together(
    mixed_sizes: NoisySet, monkeypatch: pytest.MonkeyPatch, pixels: int, counts: list[int]
):
    monkeypatch.setitem(PIXELS_AT_ONCE, "cpu", pixels)
    seen: list[Tensor] = []
    evaluate(Rule(lambda y: seen.append(y) or y), mixed_sizes)
    assert [len(batch) for batch in seen] == counts
    assert all(batch.numel() <= pixels or len(batch) == 1 for batch in seen)


def test_together_or_alone_scores_and_order_are_the_same(
    mixed_sizes: NoisySet, monkeypatch: pytest.MonkeyPatch
):
    net = small_unet(1).eval().requires_grad_(False)
    kept: dict[int, dict[str, Tensor]] = {1: {}, 10_000: {}}
    rows = {}
    for pixels, outputs in kept.items():
        monkeypatch.setitem(PIXELS_AT_ONCE, "cpu", pixels)
        rows[pixels] = evaluate(Rule(net), mixed_sizes, keep=outputs.__setitem__)
    alone, together = rows.values()
    assert [row["image"] for row in together] == [image.name for image in mixed_sizes.images]
    for image, one, other in zip(mixed_sizes.images, alone, together, strict=True):
        torch.testing.assert_close(*(outputs[image.name] for outputs in kept.values()), rtol=0, atol=1e-6)
        for score in ("psnr", "ssim"):
            assert other[score] == pytest.approx(one[score], abs=1e-4)
        assert {name: other[name] for name in image.scores} == image.scores


def test_seconds_of_a_batch_are_shared_by_its_images(mixed_sizes: NoisySet, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PIXELS_AT_ONCE, "cpu", 10_000)
    now = [0.0]
    clock = SimpleNamespace(perf_counter=lambda: now[0], thread_time=lambda: now[0])
    monkeypatch.setattr("bench.system.stopwatch.time", clock)

    def slow(noisy: Tensor) -> Tensor:
        now[0] += noisy.shape[2]
        return noisy

    rows = evaluate(Rule(slow), mixed_sizes)
    assert [row["seconds"] for row in rows] == [
        {20: 20 / 5, 30: 30 / 2}[image.noisy.shape[2]] for image in mixed_sizes.images
    ]


def test_lpips_compares_the_clamped_output_with_the_clean_image(tiny_set):
    noisy_set = corrupt(tiny_set(1), Gaussian(25), seed=0)
    rows = evaluate(Rule(lambda y: 2 * y), noisy_set, lpips=lambda denoised, clean: (denoised - clean).mean())
    for row, image in zip(rows, noisy_set.images, strict=True):
        assert row["lpips"] == ((2 * image.noisy).clamp(0, 1) - image.clean).mean().item()


def test_an_image_too_small_for_lpips_has_none_and_its_other_scores():
    images = [CleanImage(f"{h}x{w}", photograph(h, w, 1, seed=0)[..., None] / 255) for h, w in SIZES]
    noisy_set = corrupt(set_of(*images), Gaussian(25), seed=0)
    rows = evaluate(Rule(lambda y: y), noisy_set, lpips=lambda denoised, clean: torch.ones(1))
    assert [row["lpips"] for row in rows] == [None, None, 1.0]
    assert all(math.isfinite(row["psnr"]) and math.isfinite(row["ssim"]) for row in rows)


def test_the_identity_scores_as_the_noisy_image_except_for_clamping(tiny_set):
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


def test_the_clean_image_has_the_largest_psnr(tiny_set):
    image = corrupt(set_of(tiny_set(1).images[0]), Gaussian(25), seed=0)
    (row,) = evaluate(Rule(lambda _: image.images[0].clean), image)
    assert row["psnr"] == mean_psnr(Rule(lambda _: image.images[0].clean), image) == LARGEST_PSNR
    assert row["ssim"] == pytest.approx(1, abs=1e-12)
