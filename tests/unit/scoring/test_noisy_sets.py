"""Noisy test sets: the same bytes for every method, process and device."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import bench
from bench.errors import InputError
from bench.images.clean_image import CleanImage
from bench.images.sources import open_set
from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.scoring.evaluate import evaluate
from bench.scoring.metrics import ssim
from bench.scoring.noisy_sets import NoisySet, corrupt
from bench.training.patches import Patches, Sampling
from tests.support.scoring import NOISES, Rule, colour_or_grey, every_noise, psnr_by_numpy, set_of

NEIGHBOURS = [Gaussian(50), Poisson(0.01), Gamma(100)]


def noisy_bytes(noisy_set: NoisySet) -> dict[str, bytes]:
    """Return each image's noise as the float32 bytes of (H, W, C)."""
    return {image.name: image.noisy[0].movedim(0, -1).numpy().tobytes() for image in noisy_set.images}


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
    assert [image.name for image in first.images] == [source.name for source in images]


@every_noise
def test_images_that_the_noise_leaves_unchanged_are_not_scored(tiny_set, noise: Noise):
    black = CleanImage("black.png", np.zeros((16, 16, 1), np.uint8))
    first, second = tiny_set(1).images[:2]
    drawn = corrupt(set_of(first, black, second), noise, seed=0)
    additive = isinstance(noise, Gaussian)
    assert [image.name for image in drawn.images] == (
        [first.name, black.name, second.name] if additive else [first.name, second.name]
    )
    assert all(math.isfinite(row["noisy_psnr"]) for row in evaluate(Rule(lambda y: y), drawn))
    if not additive:
        with pytest.raises(InputError, match=f"{noise.spec} leaves all images unchanged"):
            corrupt(set_of(black), noise, seed=0)


def test_seeds_and_noises_have_different_hashes(tiny_set):
    images = tiny_set(1)
    draws = [(noise, seed) for noise in [*NOISES, Gaussian(25.001), Gaussian(50)] for seed in (0, 1)]
    assert len({corrupt(images, noise, seed=seed).sha256 for noise, seed in draws}) == len(draws)


def correlations(fields: list[np.ndarray]) -> list[float]:
    size = min(field.size for field in fields)
    return [abs(np.corrcoef(*pair)[0, 1]) for pair in combinations([field[:size] for field in fields], 2)]


def standardised(noisy: Tensor, clean: Tensor, noise: Noise) -> np.ndarray:
    """Return the noise, flat, of variance 1 at every intensity."""
    x, y = (image.double().flatten().numpy() for image in (clean, noisy))
    return (y - x) / np.sqrt(noise.variance(x))


@pytest.mark.parametrize(("noise", "neighbour"), [*zip(NOISES, NEIGHBOURS, strict=True)], ids=str)
def test_noise_of_other_seeds_levels_and_roles_is_uncorrelated(tiny_set, noise: Noise, neighbour: Noise):
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
def test_no_two_images_share_their_noise(noise: Noise):
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


def test_the_same_pixels_have_the_same_noise_in_every_set(tiny_set):
    """Sets that overlap meet the same noisy image, and a single set never counts it as two."""
    first, second = tiny_set(1).images[:2]
    twin = CleanImage("twin", first.pixels)
    here, there = (corrupt(set_of(*pair), NOISES[0], seed=0) for pair in ((first, second), (second, twin)))
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
def test_an_accelerator_denoises_the_same_bytes(tiny_set, noise: Noise):
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
    for image, source in zip(corrupt(images, noise, seed=0).images, images.images, strict=True):
        assert image.clean.dtype == image.noisy.dtype == torch.float32
        assert image.clean.shape == image.noisy.shape == (1, channels, *source.pixels.shape[:2])
        np.testing.assert_array_equal(image.clean[0].movedim(0, -1) * 255, source.pixels)
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
