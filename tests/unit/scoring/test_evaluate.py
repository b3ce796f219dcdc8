"""Evaluation: the same noisy bytes for every denoiser, one clamp, one row per image."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor

import bench
from bench.conformance.case import small_unet
from bench.errors import InputError
from bench.images.clean_image import CleanImage
from bench.images.image_set import ImageSet
from bench.images.sources import open_set
from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.noise.blind import UnknownNoise
from bench.scoring.denoiser import Denoiser
from bench.scoring.evaluate import PIXELS_AT_ONCE, EvaluationError, evaluate, mean_psnr
from bench.scoring.metrics import ssim
from bench.scoring.noisy_sets import NoisySet, corrupt
from bench.training.patches import Patches, Sampling
from methods.noise2score import Noise2Score
from methods.supervised import Supervised
from tests.support.images import photograph

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.method import Network

UNKNOWN = UnknownNoise(Gaussian, 20, 55)
NOISES = [Gaussian(25), Poisson(0.05), Gamma(50)]
NEIGHBOURS = [Gaussian(50), Poisson(0.01), Gamma(100)]

every_noise = pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.spec)
colour_or_grey = pytest.mark.parametrize("channels", [1, 3])


@dataclass
class Rule:
    """A denoiser without a network."""

    rule: Callable[[Tensor], Tensor]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def denoise_and_count(self, noisy: Tensor) -> tuple[Tensor, float]:
        return self.rule(noisy), 0.0

    def estimate(self, noisy: Tensor) -> None:
        return None


def set_of(*pictures: CleanImage) -> ImageSet:
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
    assert [image.name for image in first.images] == [picture.name for picture in images]


def test_hash_tells_seeds_and_noises_apart(tiny_set):
    images = tiny_set(1)
    draws = [(noise, seed) for noise in [*NOISES, Gaussian(25.001), Gaussian(50)] for seed in (0, 1)]
    assert len({corrupt(images, noise, seed=seed).sha256 for noise, seed in draws}) == len(draws)


def correlations(fields: list[np.ndarray]) -> list[float]:
    size = min(field.size for field in fields)
    return [abs(np.corrcoef(*pair)[0, 1]) for pair in combinations([field[:size] for field in fields], 2)]


def standardised(noisy: Tensor, clean: Tensor, noise: Noise) -> np.ndarray:
    """Give the noise, flat, of variance 1 at every intensity."""
    x, y = (image.double().flatten().numpy() for image in (clean, noisy))
    return (y - x) / np.sqrt(noise.variance(x))


@pytest.mark.parametrize(("noise", "neighbour"), [*zip(NOISES, NEIGHBOURS, strict=True)], ids=str)
def test_fields_of_seeds_levels_and_roles_are_unrelated(tiny_set, noise: Noise, neighbour: Noise):
    images = tiny_set(1)
    drawn = {
        (level, seed): corrupt(images, level, seed=seed) for level in (noise, neighbour) for seed in (0, 1)
    }
    fields = [
        standardised(each.images[0].noisy, each.images[0].clean, level) for (level, _), each in drawn.items()
    ]
    training = Patches(
        images,
        noise,
        needs=frozenset({"noisy", "noisy2", "clean"}),
        sampling=Sampling(steps=1, batch=1, patch=11, seed=0),
        device=torch.device("cpu"),
    )
    learnt = training.sources
    fields += [standardised(learnt[name], learnt["clean"] / 255, noise) for name in ("noisy", "noisy2")]
    # A correlation of n independent pairs spreads by 1 / sqrt(n).
    assert max(correlations(fields)) < 5 / math.sqrt(images.images[0].pixels.size)


@every_noise
def test_no_two_images_share_a_field(noise: Noise):
    """Neither where one grey level of one pixel differs, nor where the same bytes have another shape."""
    smooth = np.linspace(40, 200, 48 * 48).astype(np.uint8).reshape(48, 48, 1)
    touched = smooth.copy()
    touched[0, 0] ^= 1
    pixels = [smooth, touched, smooth[::-1].copy(), smooth.reshape(36, 64, 1)]
    images = corrupt(
        set_of(*(CleanImage(str(n), each) for n, each in enumerate(pixels))), noise, seed=0
    ).images
    fields = [standardised(image.noisy, image.clean, noise) for image in images]
    assert max(correlations(fields)) < 5 / math.sqrt(smooth.size)


def test_the_same_pixels_have_one_field_in_every_set_and_no_set_holds_them_twice(tiny_set):
    """Sets that overlap meet the same noisy image, and a single set never counts it as two."""
    first, second = tiny_set(1).images[:2]
    twin = CleanImage("twin", first.pixels)
    here, there = (
        corrupt(set_of(*pictures), NOISES[0], seed=0) for pictures in ((first, second), (second, twin))
    )
    assert noisy_bytes(here)[first.name] == noisy_bytes(there)["twin"]
    with pytest.raises(InputError, match="identical pixels"):
        set_of(first, twin)


PROGRAM = """
import sys, torch
from bench.scoring.noisy_sets import corrupt
from bench.noise import parse_noise
from bench.images.sources import open_set
images = open_set(sys.argv[1], channels=3)
print(torch.get_num_threads(), *(corrupt(images, parse_noise(spec), seed=0).sha256 for spec in sys.argv[2:]))
"""


def test_hash_is_the_same_in_another_process_with_one_thread(photo_folders):
    folder, threads = str(photo_folders(3)[0]), "1"
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, folder, *(noise.spec for noise in NOISES)],
        env=os.environ | {"OMP_NUM_THREADS": threads, "PYTHONHASHSEED": "1"},
        cwd=Path(bench.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    images = open_set(folder, channels=3)
    assert finished.stdout.split() == [threads, *(corrupt(images, noise, seed=0).sha256 for noise in NOISES)]


@pytest.mark.gpu
@every_noise
def test_an_accelerator_meets_the_same_bytes(tiny_set, noise: Noise):
    noisy_set, digest = corrupt(tiny_set(3), noise, seed=0), hashlib.sha256()

    def on_the_accelerator(noisy: Tensor) -> Tensor:
        seen = noisy.cuda()
        digest.update(seen.movedim(1, -1).cpu().numpy().tobytes())
        return seen

    evaluate(Rule(on_the_accelerator, torch.device("cuda")), noisy_set)
    assert digest.hexdigest() == noisy_set.sha256


def test_noise_is_keyed_by_pixels_and_not_by_order_or_name(tiny_set):
    images = tiny_set(1)
    expected = noisy_bytes(corrupt(images, Gaussian(25), seed=0))
    backwards = corrupt(set_of(*reversed(images.images)), Gaussian(25), seed=0)
    assert noisy_bytes(backwards) == expected
    last = images.images[-1]
    alone = corrupt(set_of(CleanImage("renamed", last.pixels)), Gaussian(25), seed=0)
    assert noisy_bytes(alone)["renamed"] == expected[last.name]
    changed = last.pixels.copy()
    changed[0, 0] ^= 1
    touched = corrupt(set_of(CleanImage(last.name, changed)), Gaussian(25), seed=0)
    assert abs(touched.images[0].noisy - corrupt(images, Gaussian(25), seed=0).images[-1].noisy).mean() > 0.05


@every_noise
@colour_or_grey
def test_noisy_images_are_neither_clipped_nor_rounded(tiny_set, noise: Noise, channels: int):
    images = tiny_set(channels)
    for image, picture in zip(corrupt(images, noise, seed=0).images, images.images, strict=True):
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
    pictures = [CleanImage(str(n), photograph(*size, 1, seed=n)[..., None]) for n, size in enumerate(shapes)]
    return corrupt(set_of(*pictures), Gaussian(25), seed=0)


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
    monkeypatch.setattr("bench.system.stopwatch.time", SimpleNamespace(perf_counter=lambda: now[0]))

    def slow(noisy: Tensor) -> Tensor:
        now[0] += noisy.shape[2]
        return noisy

    rows = evaluate(Rule(slow), mixed_sizes)
    assert [row["seconds"] for row in rows] == [
        {20: 20 / 5, 30: 30 / 2}[image.noisy.shape[2]] for image in mixed_sizes.images
    ]


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
    image = corrupt(set_of(tiny_set(1).images[0]), Gaussian(25), seed=0)
    (row,) = evaluate(Rule(lambda _: image.images[0].clean), image)
    assert row["psnr"] == math.inf
    assert row["ssim"] == pytest.approx(1, abs=1e-12)
