"""Properties of any image, any noise and any score, however extreme."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from bench.conformance.case import declared_batch, draw_images, small_unet
from bench.discovery import parse_method
from bench.errors import InputError
from bench.noise import NOISES, Gamma, Gaussian, Noise, Poisson
from bench.scoring.metrics import psnr, ssim
from bench.seeds import generator, seed_of
from methods.noise2void import Noise2Void
from tests.support.methods.calculus import column, progress_of, rng_of
from tests.support.methods.trained import TRAINED

if TYPE_CHECKING:
    from bench.method import Method

VARIANTS = ["noise2score:antithetic=True", "noise2score:domain=raw,formula=paper", "noise2void:radius=7"]
METHODS = [*TRAINED.values(), *(parse_method(spec)[1] for spec in VARIANTS)]
NETS = {channels: small_unet(channels, width=2) for channels in (1, 3)}

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=40)

sides, channels, counts = st.integers(1, 40), st.sampled_from([1, 3]), st.integers(1, 4)
noises = st.one_of(
    st.floats(0.1, 200).map(Gaussian), st.floats(1e-4, 1).map(Poisson), st.floats(1.01, 1e4).map(Gamma)
)
single = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def shapes(draw, smallest: int = 1) -> tuple[int, ...]:
    """Draw (B, C, H, W)."""
    side = st.integers(smallest, 40)
    return draw(counts), draw(channels), draw(side), draw(side)


@st.composite
def clean_images(draw, shape: tuple[int, ...]) -> np.ndarray:
    """Draw 8-bit images, some of them all black, all white or black and white."""
    levels = draw(st.sampled_from([(0,), (255,), (0, 255), range(256)]))
    rng = generator("properties", draw(st.integers(0, 1000)))
    return (rng.choice(np.array(levels), size=shape) / 255).astype(np.float32)


# Methods


def defined_for(noise: Noise) -> list[Method]:
    return [method for method in METHODS if noise.name in method.noises]


@repeatable
@given(st.data(), counts, channels, st.integers(2, 40), noises, st.sampled_from([0.0, 0.5, 1.0]))
def test_every_loss_is_finite(data, count: int, channels: int, patch: int, noise: Noise, progress: float):
    images = draw_images(data.draw(clean_images((count, channels, patch, patch))), noise)
    for method in defined_for(noise):
        losses = method.loss(
            NETS[channels], declared_batch(method, images, noise), rng_of(), progress_of(progress)
        ).detach()
        assert losses.shape == (count,), method
        assert losses.dtype == torch.float32, method
        assert torch.isfinite(losses).all(), method


@repeatable
@given(st.data(), shapes(), noises)
def test_any_image_is_denoised(data, shape: tuple[int, ...], noise: Noise):
    noisy = draw_images(data.draw(clean_images(shape)), noise)["noisy"]
    for method in defined_for(noise):
        with torch.inference_mode():
            denoised = method.denoise(NETS[shape[1]], noisy, noise if "noise" in method.needs else None)
        assert denoised.shape == shape, method
        assert denoised.dtype == torch.float32, method
        assert torch.isfinite(denoised).all(), method


@repeatable
@given(sides, sides, st.integers(1, 50), st.floats(0.001, 1))
def test_blind_spots_are_replaced_by_neighbours(height: int, width: int, radius: int, fraction: float):
    assume(height * width > 1)
    masked, replacement = Noise2Void(fraction=fraction, radius=radius).blind_spots(
        height, width, count=3, rng=rng_of()
    )
    assert 0 <= replacement.min() <= replacement.max() < height * width
    assert all(row.unique().numel() == row.numel() for row in masked)
    down, across = (abs(masked // width - replacement // width), abs(masked % width - replacement % width))
    distance = torch.maximum(down, across)
    assert 1 <= distance.min() <= distance.max() <= radius


# Noises


@repeatable
@given(noises, st.lists(single, min_size=2, max_size=9), st.floats(-1, 3, width=32))
def test_tweedie_is_finite_and_rises_with_the_score(noise: Noise, scores: list[float], y: float):
    score = torch.tensor(sorted(scores)).clamp(-1e30, 1e30)
    estimate = noise.tweedie(torch.full_like(score, y), score)
    assert torch.isfinite(estimate).all()
    if y >= 0:
        assert (estimate.diff() >= 0).all()
    if y >= 0 and not isinstance(noise, Gaussian):
        assert (estimate >= 0).all()


@repeatable
@given(st.floats(1.01, 1e4).map(Gamma), st.floats(1e-3, 3), st.floats(-1e-3, 1e-3))
def test_gamma_rule_stays_finite_around_its_pole(noise: Gamma, y: float, away: float):
    pole = (noise.k - 1) / y
    estimate = noise.tweedie(column(y), column(pole * (1 + away))).item()
    assert estimate == pytest.approx(10 * y, rel=1e-9) if noise.k > 1.2 else 0 < estimate <= 10.001 * y


@repeatable
@given(noises, st.lists(st.floats(-1, 3, width=32), min_size=1, max_size=9))
def test_stabilising_loses_only_values_below_black(noise: Noise, values: list[float]):
    lowest = {"gaussian": -math.inf, "poisson": 0.0, "gamma": Gamma.darkest}[noise.name]
    y = torch.tensor(values)
    v = noise.stabilise(y)
    assert torch.isfinite(v).all()
    torch.testing.assert_close(noise.unstabilise(v), y.clamp(min=lowest), rtol=1e-5, atol=1e-5)


@repeatable
@given(noises, st.floats(-8, 3), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_any_stabilised_score_becomes_a_finite_score_of_y(noise: Noise, v: float, score: float, other: float):
    carried = noise.raw_score(column(v, v), column(score, other))
    assert torch.isfinite(carried).all()
    assert torch.isfinite(noise.unstabilise(column(v))).all()
    assert (carried[0] <= carried[1]) == (score <= other) or abs(score - other) < 1e-9


@repeatable
@given(noises)
def test_the_stabilised_sd_of_a_noise_determines_its_parameter(noise: Noise):
    again = type(noise).of_stabilised_sd(noise.stabilised_sd)
    assert again.parameter == pytest.approx(noise.parameter, rel=1e-12)


@repeatable
@given(
    st.sampled_from(sorted(NOISES)), st.lists(st.floats(1.5, 100), min_size=1, max_size=4), st.floats(-5, 5)
)
def test_parameters_per_image_act_like_each_alone(name: str, parameters: list[float], s: float):
    model = NOISES[name]
    y = torch.from_numpy(generator("properties").random((len(parameters), 3, 4, 5)))
    score = torch.full_like(y, s)

    def everything(noise: Noise, y: Tensor, score: Tensor) -> list[Tensor]:
        v = noise.stabilise(y)
        return [
            v,
            noise.unstabilise(y),
            noise.raw_score(v, score),
            noise.tweedie(y, score),
            noise.variance(y),
        ]

    together = everything(model(torch.tensor(parameters, dtype=torch.float64).view(-1, 1, 1, 1)), y, score)
    alone = [everything(model(each), y[[n]], score[[n]]) for n, each in enumerate(parameters)]
    for several, single_ones in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(several, torch.cat(single_ones), rtol=1e-12, atol=0)


@repeatable
@given(noises, st.floats(0, 1, width=32), shapes(), st.integers(0, 2**32))
def test_any_noise_is_finite_and_reproducible(noise: Noise, level: float, shape: tuple[int, ...], seed: int):
    clean = np.full(shape, level, dtype=np.float32)
    first, again = (noise.sample(clean, generator("properties", seed)) for _ in range(2))
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)


# Scores and seeds


@repeatable
@given(st.data(), shapes())
def test_psnr_of_any_image(data, shape: tuple[int, ...]):
    clean = data.draw(clean_images(shape))
    denoised = data.draw(clean_images(shape))
    with np.errstate(divide="ignore"):
        expected = -10 * np.log10(((denoised - clean).astype(np.float64) ** 2).mean(axis=(1, 2, 3)))
    score = psnr(torch.from_numpy(denoised), torch.from_numpy(clean))
    np.testing.assert_allclose(score, expected, rtol=1e-6, atol=1e-6)


@repeatable
@given(st.data(), shapes(smallest=11))
def test_ssim_of_any_image_larger_than_its_window(data, shape: tuple[int, ...]):
    clean, denoised = (torch.from_numpy(data.draw(clean_images(shape))) for _ in range(2))
    score = ssim(denoised, clean)
    assert score.shape == shape[:1]
    assert ((score >= -1) & (score <= 1 + 1e-6)).all()
    torch.testing.assert_close(score, ssim(clean, denoised), rtol=0, atol=1e-5)
    torch.testing.assert_close(ssim(clean, clean), torch.ones(shape[0]).double(), rtol=0, atol=1e-6)


@repeatable
@given(shapes(), st.integers(1, 10), st.booleans())
def test_ssim_refuses_any_smaller_image(shape: tuple[int, ...], short: int, narrow: bool):
    count, channels, long, _ = shape
    small = torch.zeros((count, channels, *((long, short) if narrow else (short, long))))
    with pytest.raises(InputError, match="11 pixels a side"):
        ssim(small, small)


roles = st.lists(
    st.one_of(st.text('aé 0,"', max_size=4), st.integers(), st.floats(allow_nan=False)), max_size=4
).map(tuple)


@repeatable
@given(roles, roles)
def test_only_the_roles_distinguish_streams(role: tuple, other: tuple):
    assert 0 <= seed_of(*role) < 2**63
    assert generator(*role).integers(2**63) == generator(*role).integers(2**63)
    # 1 and 1.0 are equal, but written differently.
    if repr(role) != repr(other):
        assert seed_of(*role) != seed_of(*other)
        assert generator(*role).integers(2**63) != generator(*other).integers(2**63)
