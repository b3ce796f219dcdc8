"""Patches: where they are cut, which noise they carry, and what is withheld."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
import torch

from bench.images.clean_image import CleanImage, intensities
from bench.images.image_set import ImageSet
from bench.method import NEEDS, Batch, WithheldError
from bench.noise import NOISES, Gamma, Gaussian, Noise, Poisson
from bench.noise.blind import UnknownNoise
from bench.training.patches import Patches, Sampling

CPU = torch.device("cpu")
NOISE = Gaussian(25)
LEVELS = [NOISE, Poisson(0.05), Gamma(50)]
IMAGES = ("noisy", "noisy2", "clean")
SAMPLING = Sampling(steps=6, batch=24, patch=20, seed=0)
SUBSETS = [frozenset({"noisy", *extra}) for count in range(4) for extra in combinations(NEEDS[1:], count)]

both_kinds = pytest.mark.parametrize("training_noise", ["frozen", "resampled"])
colour_or_grey = pytest.mark.parametrize("channels", [1, 3])


def patches_of(
    images: ImageSet,
    *,
    needs: frozenset = frozenset(NEEDS),
    noise: Noise | UnknownNoise = NOISE,
    sampling: Sampling = SAMPLING,
    training_noise: str = "frozen",
) -> Patches:
    return Patches(images, noise, needs=needs, sampling=sampling, training_noise=training_noise, device=CPU)


def cut(image: np.ndarray, place: np.ndarray, patch: int) -> np.ndarray:
    """Cut (H, W, C) by slicing, flipping and transposing, at (image, top, left, symmetry)."""
    _, top, left, symmetry = place
    piece = image[top : top + patch, left : left + patch]
    if symmetry & 2:
        piece = piece[::-1]
    if symmetry & 4:
        piece = piece[:, ::-1]
    return piece.transpose(1, 0, 2) if symmetry & 1 else piece


def laid_out(batch_images: torch.Tensor) -> np.ndarray:
    return batch_images.movedim(1, -1).numpy()


def pixel_numbers(images: ImageSet) -> list[np.ndarray]:
    """Number every value of a set, as images (H, W, C)."""
    sizes = [image.pixels.size for image in images]
    starts = np.cumsum([0, *sizes[:-1]])
    return [
        start + np.arange(image.pixels.size).reshape(image.pixels.shape)
        for start, image in zip(starts, images.images, strict=True)
    ]


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    return abs(np.corrcoef(np.ravel(first), np.ravel(second))[0, 1])


# Where patches are cut


@both_kinds
@colour_or_grey
@pytest.mark.parametrize("patch", [20, 40])
def test_clean_patches_are_crops_under_a_symmetry(tiny_set, channels: int, patch: int, training_noise: str):
    images = tiny_set(channels)
    sampling = Sampling(steps=6, batch=24, patch=patch, seed=0)
    patches = patches_of(images, sampling=sampling, training_noise=training_noise)
    scaled = [intensities(image) for image in images]
    for step, places in enumerate(patches.places.numpy()):
        expected = [cut(scaled[place[0]], place, patch) for place in places]
        np.testing.assert_array_equal(laid_out(patches(step).clean), expected)
    assert set(patches.places[..., 0].flatten().tolist()) == set(range(len(scaled)))
    assert set(patches.places[..., 3].flatten().tolist()) == set(range(8))


def test_corners_reach_every_border(tiny_set):
    images = tiny_set(1)
    patches = patches_of(images, sampling=Sampling(steps=40, batch=64, patch=30, seed=0))
    owner, top, left, _ = patches.places.flatten(end_dim=1).unbind(dim=1)
    for number, (height, width, _) in enumerate(image.pixels.shape for image in images):
        assert sorted(set(top[owner == number].tolist())) == list(range(height - 30 + 1))
        assert sorted(set(left[owner == number].tolist())) == list(range(width - 30 + 1))


def test_every_grey_level_is_exact():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    image = CleanImage("levels", levels)
    sampling = Sampling(steps=1, batch=8, patch=16, seed=0)
    patches = patches_of(
        ImageSet("levels", (image,), 1, "", ()), needs=frozenset({"clean"}), sampling=sampling
    )
    assert patches.sources["clean"].dtype == torch.uint8
    expected = [cut(intensities(image), place, 16) for place in patches.places[0].numpy()]
    np.testing.assert_array_equal(laid_out(patches(0).clean), expected)
    assert patches(0).clean.dtype == torch.float32


@both_kinds
def test_same_places_and_noise_for_every_method(tiny_set, training_noise: str):
    images = tiny_set(1)
    everything = patches_of(images, training_noise=training_noise)
    for needs in SUBSETS:
        patches = patches_of(images, needs=needs, training_noise=training_noise)
        assert torch.equal(patches.places, everything.places)
        for name, values in patches(3).images.items():
            assert torch.equal(values, everything(3).images[name])


@pytest.mark.parametrize(("batch", "scale", "expected"), [(24, 1, 24), (24, 2, 12), (5, 2, 2), (1, 3, 1)])
def test_larger_patches_are_fewer(batch: int, scale: int, expected: int):
    scaled = Sampling(steps=6, batch=batch, patch=10, seed=3).scaled(scale)
    assert scaled == Sampling(steps=6, batch=expected, patch=10 * scale, seed=3)


def test_places_do_not_depend_on_the_noise(tiny_set):
    images = tiny_set(1)
    first = patches_of(images)
    others = [patches_of(images, noise=Gamma(50)), patches_of(images, training_noise="resampled")]
    assert all(torch.equal(first.places, other.places) for other in others)


@both_kinds
def test_any_step_can_be_cut_alone(tiny_set, training_noise: str):
    images = tiny_set(1)
    patches = patches_of(images, training_noise=training_noise)
    in_order = [patches(step).images for step in range(SAMPLING.steps)]
    fresh = patches_of(images, training_noise=training_noise)(4).images
    assert all(torch.equal(fresh[name], in_order[4][name]) for name in IMAGES)
    assert all(torch.equal(patches(2).images[name], in_order[2][name]) for name in IMAGES)


def test_other_seed_other_places(tiny_set):
    images = tiny_set(1)
    first, other = (patches_of(images, sampling=Sampling(6, 24, 20, seed=seed)).places for seed in (0, 1))
    assert (first != other).float().mean() > 0.5


@both_kinds
@pytest.mark.parametrize(("sigma", "seed"), [(25, 1), (50, 0)])
def test_other_seed_or_level_other_noise(tiny_set, sigma: float, seed: int, training_noise: str):
    images = tiny_set(1)
    first, other = (
        patches_of(
            images,
            noise=Gaussian(level),
            sampling=Sampling(6, 24, 20, seed=number),
            training_noise=training_noise,
        )
        for level, number in ((25, 0), (sigma, seed))
    )
    other.places = first.places
    batch, moved = first(0), other(0)
    assert torch.equal(batch.clean, moved.clean)
    for name in ("noisy", "noisy2"):
        fields = [(each.images[name] - each.clean).numpy() for each in (batch, moved)]
        assert correlation(*fields) < 0.1


# Which noise they carry


@both_kinds
@colour_or_grey
@pytest.mark.parametrize("noise", [Gaussian(1), Poisson(2e-5), Gamma(50_000)], ids=str)
def test_noisy_patches_lie_on_their_clean_ones(tiny_set, noise: Noise, channels: int, training_noise: str):
    patches = patches_of(tiny_set(channels), noise=noise, training_noise=training_noise)
    for step in range(SAMPLING.steps):
        batch = patches(step)
        clean = batch.clean.double().numpy()
        for noisy in (batch.noisy, batch.noisy2):
            assert noisy.dtype == torch.float32
            standardised = (noisy.numpy() - clean) / np.sqrt(noise.variance(clean))
            # 9600 values or more, of which overlapping patches share half: .08 is more than three standard
            # errors sqrt(2 / n). A crop one pixel beside its clean one misses by the slope of the image.
            assert standardised.mean() == pytest.approx(0, abs=0.08)
            assert standardised.var() == pytest.approx(1, rel=0.08)


@colour_or_grey
def test_frozen_noise_belongs_to_the_pixel(tiny_set, channels: int):
    images = tiny_set(channels)
    patches = patches_of(images)
    numbers = pixel_numbers(images)
    total = sum(number.size for number in numbers)
    for name in ("noisy", "noisy2"):
        first = np.full(total, np.nan, dtype=np.float32)
        seen_again = 0
        for step, places in enumerate(patches.places.numpy()):
            for place, values in zip(places, laid_out(patches(step).images[name]), strict=True):
                where = cut(numbers[place[0]], place, SAMPLING.patch)
                known = ~np.isnan(first[where])
                np.testing.assert_array_equal(values[known], first[where][known])
                first[where] = values
                seen_again += known.sum()
        assert seen_again > total


def standardised(noisy: torch.Tensor, greys: torch.Tensor, noise: Noise) -> np.ndarray:
    """Return the noise of flat pixels, of mean 0 and variance 1 at every one of the 256 grey levels."""
    clean = greys.double().numpy() / 255
    return (noisy.double().numpy() - clean) / np.sqrt(noise.variance(clean))


@pytest.mark.parametrize("noise", LEVELS, ids=str)
@colour_or_grey
def test_frozen_copies_follow_the_noise_model_and_are_independent(tiny_set, channels: int, noise: Noise):
    sources = patches_of(tiny_set(channels), noise=noise).sources
    first, second = (standardised(sources[name], sources["clean"], noise) for name in ("noisy", "noisy2"))
    # Five standard errors: of a mean and a correlation 1 / sqrt(n), of a variance of normal values
    # sqrt(2 / n), of counts in the dark nearly twice that.
    limit = 5 / np.sqrt(first.size)
    assert correlation(first, second) < limit
    for field in (first, second):
        assert field.mean() == pytest.approx(0, abs=limit)
        assert field.var() == pytest.approx(1, rel=2 * np.sqrt(2) * limit)


@pytest.mark.parametrize("noise", LEVELS, ids=str)
def test_images_do_not_share_a_noise_field(noise: Noise):
    """Images of one shape, two of which differ in one pixel by one grey level."""
    smooth = np.linspace(40, 200, 50 * 50).astype(np.uint8).reshape(50, 50, 1)
    touched = smooth.copy()
    touched[0, 0] ^= 1
    images = (CleanImage("a", smooth), CleanImage("b", touched), CleanImage("c", smooth[::-1].copy()))
    sources = patches_of(ImageSet("alike", images, 1, "", ()), noise=noise).sources
    for name in ("noisy", "noisy2"):
        fields = np.split(standardised(sources[name], sources["clean"], noise), 3)
        for first, second in combinations(fields, 2):
            assert correlation(first, second) < 5 / np.sqrt(first.size)


@colour_or_grey
def test_frozen_noise_is_keyed_by_the_image_alone(tiny_set, channels: int):
    images = tiny_set(channels)
    reversed_set = ImageSet("reversed", images.images[::-1], channels, "", ())
    there, here = patches_of(reversed_set).sources["noisy"], patches_of(images).sources["noisy"]
    sizes = [image.pixels.size for image in images]
    assert torch.equal(torch.cat(here.split(sizes)[::-1]), there)


@colour_or_grey
def test_resampled_noise_is_new_in_every_patch_and_step(tiny_set, channels: int):
    patches = patches_of(tiny_set(channels), training_noise="resampled")
    patches.places = patches.places[:1].expand(SAMPLING.steps, -1, -1)
    batches = [patches(step) for step in range(SAMPLING.steps)]
    fields = {name: [(each.images[name] - each.clean).numpy() for each in batches] for name in IMAGES[:2]}
    limit = 5 / np.sqrt(fields["noisy"][0].size)
    for by_step in fields.values():
        assert max(correlation(*pair) for pair in pairwise(by_step)) < limit
        assert correlation(by_step[0][:-1], by_step[0][1:]) < limit
    assert correlation(fields["noisy"], fields["noisy2"]) < limit


@pytest.mark.parametrize("model", NOISES.values(), ids=NOISES)
def test_resampled_noise_of_unknown_strength_differs_between_images(tiny_set, model: type[Noise]):
    images, unknown = tiny_set(1), UnknownNoise(model, *model.blind_range)
    sampling = Sampling(steps=40, batch=64, patch=20, seed=5)
    patches = patches_of(images, noise=unknown, sampling=sampling, training_noise="resampled")
    batches = [patches(step) for step in range(sampling.steps)]
    noisy, clean = (torch.cat([each.images[name] for each in batches]) for name in ("noisy", "clean"))
    owners = patches.places[..., 0].flatten()
    for number, image in enumerate(images):
        own = unknown.of_image(image.fingerprint, seed=5)
        field = standardised(noisy[owners == number].flatten(), 255 * clean[owners == number].flatten(), own)
        # Five standard errors of the variance of normal values; counts in the dark spread nearly twice that.
        limit = 10 * np.sqrt(2 / field.size)
        assert field.var() == pytest.approx(1, rel=limit)
        (estimate,) = set(batches[0].noise.level[owners[: sampling.batch] == number].flatten().tolist())
        assert estimate != pytest.approx(own.parameter, rel=1e-5)  # not the truth


def test_frozen_noise_repeats_where_resampled_does_not(tiny_set):
    """The switch does what it says: with places repeated, only frozen patches repeat."""
    images = tiny_set(1)
    for training_noise in ("frozen", "resampled"):
        patches = patches_of(images, training_noise=training_noise)
        patches.places = patches.places[:1].expand(2, -1, -1)
        assert torch.equal(patches(0).noisy, patches(1).noisy) == (training_noise == "frozen")


# What is withheld


@both_kinds
@pytest.mark.parametrize("needs", SUBSETS, ids=lambda needs: "+".join(sorted(needs)))
def test_only_what_is_declared_arrives(tiny_set, needs: frozenset, training_noise: str):
    noise = Poisson(0.05)
    batch = patches_of(tiny_set(1), needs=needs, noise=noise, training_noise=training_noise)(0)
    assert batch.images.keys() == needs - {"noise"}
    for need in NEEDS:
        if need not in needs:
            with pytest.raises(WithheldError, match=f"'{need}'"):
                getattr(batch, need)
    assert all(getattr(batch, name) is batch.images[name] for name in batch.images)
    assert batch.model == (noise if "noise" in needs else None)


@pytest.mark.parametrize("needs", SUBSETS, ids=lambda needs: "+".join(sorted(needs)))
def test_nothing_else_reaches_the_device(tiny_set, needs: frozenset):
    assert patches_of(tiny_set(1), needs=needs).sources.keys() == needs - {"noise"}


@pytest.mark.parametrize("need", NEEDS)
def test_an_empty_batch_withholds_everything(need: str):
    with pytest.raises(WithheldError, match=f"'{need}'.*needs"):
        getattr(Batch({}, None), need)


def test_patches_are_batches_of_channels_first(tiny_set):
    batch = patches_of(tiny_set(3))(0)
    assert {values.shape for values in batch.images.values()} == {(24, 3, 20, 20)}
    assert batch.noise == NOISE


# On an accelerator


@pytest.mark.gpu
@both_kinds
@pytest.mark.parametrize("noise", LEVELS, ids=str)
def test_an_accelerator_cuts_the_same_bytes(tiny_set, noise: Noise, training_noise: str):
    images = tiny_set(3)
    here, there = (
        Patches(
            images,
            noise,
            needs=frozenset(NEEDS),
            sampling=SAMPLING,
            training_noise=training_noise,
            device=torch.device(device),
        )
        for device in ("cpu", "cuda")
    )
    for name in IMAGES:
        cut_there = there(3).images[name]
        assert cut_there.is_cuda
        # Resampled noise is drawn where the patches are, by another generator.
        if training_noise == "frozen" or name == "clean":
            assert torch.equal(here(3).images[name], cut_there.cpu())
