"""Noise turned into uniform Gaussian noise and back: both against quadrature, and a mean that stays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from scipy import stats

from bench.conformance.case import small_unet
from bench.homogenise import OPPONENTS, Homogenised, homogenise, take_back
from bench.method import WithheldError
from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.seeds import generator
from tests.support.methods.calculus import column, quadrature
from tests.support.methods.noises import LEVELS, every_noise

if TYPE_CHECKING:
    from collections.abc import Callable

STRENGTHS = [Gaussian(5), Gaussian(50), Poisson(0.01), Poisson(0.1), Gamma(2), Gamma(50), Gamma(400)]
every_strength = pytest.mark.parametrize("noise", STRENGTHS, ids=lambda noise: noise.spec)
CLEAN = (0.02, 0.1, 0.5, 1.0)


def stabilised(noise: Noise, y: Any) -> np.ndarray:
    return homogenise(torch.as_tensor(y, dtype=torch.float64), noise)[0].numpy()


def expected(noise: Noise, x: float, function: Callable[[np.ndarray], np.ndarray]) -> float:
    """Integrate a function of v under the distribution of y given x."""
    if isinstance(noise, Poisson):
        rate = x / noise.zeta
        counts = np.arange(int(rate + 40 * math.sqrt(rate) + 40))
        return float(stats.poisson.pmf(counts, rate) @ function(stabilised(noise, noise.zeta * counts)))
    given_x = stats.gamma(noise.k, scale=x / noise.k) if isinstance(noise, Gamma) else stats.norm(x, noise.sd)
    low, high = given_x.ppf(1e-14), given_x.isf(1e-14)
    return quadrature(lambda y: given_x.pdf(y) * function(stabilised(noise, [y]))[0], low, high)


@every_strength
@pytest.mark.parametrize("x", CLEAN)
def test_take_back_inverts_the_mean(noise: Noise, x: float):
    back = take_back(column(expected(noise, x, lambda v: v)), noise).item()
    if isinstance(noise, Poisson):
        assert back == pytest.approx(x, abs=0.02 * noise.zeta)  # the closed form is an approximation
    else:
        # The probability below the floor of the logarithm.
        floored = stats.gamma.cdf(noise.darkest, noise.k, scale=x / noise.k) if noise.name == "gamma" else 0
        assert back == pytest.approx(x, rel=1e-9 + 4 * floored)


@every_strength
@pytest.mark.parametrize("x", [0.5, 1.0])
def test_the_noise_is_as_strong_as_reported(noise: Noise, x: float):
    mean = expected(noise, x, lambda v: v)
    sd = math.sqrt(expected(noise, x, lambda v: (v - mean) ** 2))
    said = float(homogenise(column(x), noise)[1])
    # Anscombe's root of 5 counts, the fewest here, is 1 % off.
    assert said == pytest.approx(sd, rel=0.01 if noise.name == "poisson" else 1e-4)


def test_black_stays_black():
    for noise in LEVELS.values():
        v, _ = homogenise(column(0.0), noise)
        black = 1.02 * Gamma.darkest if noise.name == "gamma" else 1e-12
        assert abs(take_back(v, noise).item()) <= black


def test_opponent_colours_keep_white_noise_white():
    np.testing.assert_allclose(OPPONENTS @ OPPONENTS.T, np.eye(3), atol=1e-15)
    grey = OPPONENTS @ np.ones(3)
    assert grey[0] > 1
    assert abs(grey[1:]).max() < 1e-15


@dataclass(frozen=True)
class Mean(Homogenised):
    """Returns the mean of each channel everywhere, and records its arguments."""

    smallest_side = 8
    calls: ClassVar[list[tuple[np.ndarray, float]]] = []

    def rule(self, image: np.ndarray, sd: float) -> np.ndarray:
        self.calls.append((image, sd))
        return np.broadcast_to(image.mean(axis=(0, 1)), image.shape)


@every_noise
def test_the_mean_of_an_image_stays(noise: Noise):
    """Flat images, each channel with its own grey: averaging leaves x."""
    side = 256
    x = np.array([[0.2, 0.5, 0.9], [0.7, 0.1, 0.4]], dtype=np.float32)[..., None, None]
    clean = np.broadcast_to(x, (2, 3, side, side))
    noisy = torch.from_numpy(noise.sample(clean, generator("flat")))
    back = Mean().denoise(small_unet(3), noisy, noise)
    assert back.shape == noisy.shape
    assert back.dtype == torch.float32
    # Five standard errors, and the error of the closed form of the Poisson inverse.
    spread = 5 * np.sqrt(noise.variance(x)) / side + 0.02 * getattr(noise, "zeta", 0) + 1e-6
    assert (np.abs(back[..., :1, :1].numpy() - x) < spread).all()


@pytest.mark.parametrize(
    ("noise", "sd"),
    [
        (Gaussian(25), 25 / 255),
        (Poisson(0.05), math.sqrt(0.05) / 2),
        # The variance of the logarithm of a Gamma variable of shape 2: pi^2 / 6 - 1.
        (Gamma(2), math.sqrt(math.pi**2 / 6 - 1)),
    ],
    ids=str,
)
def test_the_rule_is_given_the_standard_deviation_of_the_stabilised_noise(noise: Noise, sd: float):
    Mean.calls.clear()
    Mean().denoise(small_unet(1), torch.full((1, 1, 8, 8), 0.5), noise)
    ((_, given),) = Mean.calls
    assert given == pytest.approx(sd, rel=1e-9)


@every_noise
def test_each_image_is_denoised_under_its_own_parameter(noise: Noise):
    """Estimates of a blind run differ from image to image."""
    model, parameters = type(noise), (noise.parameter, 2 * noise.parameter)
    clean = np.full((1, 1, 16, 16), 0.5, dtype=np.float32)
    noisy = torch.cat([torch.from_numpy(model(p).sample(clean, generator("own", p))) for p in parameters])
    Mean.calls.clear()
    together = Mean().denoise(small_unet(1), noisy, model(torch.tensor(parameters).view(-1, 1, 1, 1)))
    alone = [Mean().denoise(small_unet(1), y[None], model(p)) for y, p in zip(noisy, parameters, strict=True)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-6, atol=1e-7)
    first, second, *apart = (sd for _, sd in Mean.calls)
    assert apart == pytest.approx([first, second], rel=1e-6)
    assert first != pytest.approx(second, rel=0.1)


@pytest.mark.parametrize(
    ("shape", "seen"), [((1, 1, 1, 1), (8, 8, 1)), ((2, 3, 5, 33), (8, 33, 3)), ((1, 1, 9, 8), (9, 8, 1))]
)
def test_a_rule_sees_images_that_are_large_enough(shape: tuple[int, ...], seen: tuple[int, ...]):
    noisy = torch.from_numpy(generator("small").random(shape, dtype=np.float32))
    Mean.calls.clear()
    assert Mean().denoise(small_unet(shape[1]), noisy, Gaussian(25)).shape == shape
    for (image, _), y in zip(Mean.calls, noisy.movedim(1, -1).double().numpy(), strict=True):
        assert image.shape == seen
        colours = y @ OPPONENTS.T if shape[1] == 3 else y
        np.testing.assert_allclose(image[: shape[2], : shape[3]], colours, atol=1e-12)
        np.testing.assert_allclose(np.unique(image.round(12)), np.unique(colours.round(12)))  # mirrored


def test_without_the_noise_nothing_is_denoised():
    with pytest.raises(WithheldError, match="Mean"):
        Mean().denoise(small_unet(1), torch.zeros(1, 1, 8, 8), None)
