"""Noise2Score's search for the parameter of the noise by quality (Kim & Ye 2021, section 3.3)."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from bench.noise import Gamma, Gaussian, Poisson
from methods.noise2score import Noise2Score, quality_penalty
from tests.support.methods.noises import every_noise, noisy_pair

if TYPE_CHECKING:
    from bench.noise import Noise


GREY, NOISY = 0.5, 0.6


@pytest.mark.parametrize(
    ("model", "weight", "rest"),
    [
        (Gaussian, 1.0, 0.0),
        (Poisson, 0.1, GREY - NOISY * math.log(GREY)),
        (Gamma, 1.0, math.log(GREY) + NOISY / GREY + (NOISY / GREY) ** 2),
    ],
)
def test_penalty_has_the_published_weights(model: type[Noise], weight: float, rest: float):
    """On grey images; of 4x5 pixels that alternate, all 3 x 5 + 4 x 4 differences of neighbours are 2e-4."""
    y = torch.full((2, 1, 4, 5), NOISY, dtype=torch.float64)
    rows, columns = torch.arange(4)[:, None], torch.arange(5)
    board = GREY + 1e-4 * (1 - 2 * ((rows + columns) % 2)).double()
    grey, alternating = quality_penalty(
        model, y, torch.stack([torch.full_like(board, GREY), board])[:, None]
    ).tolist()
    assert grey == pytest.approx(rest, abs=1e-12)
    # As many pixels are lighter as darker, so that only squares of 1e-4 add to the other terms.
    assert alternating - grey == pytest.approx(weight * 31 * 2e-4 / 20, abs=1e-6)


@every_noise
def test_quality_search_finds_the_least_penalty(noise: Noise):
    model = type(noise)
    y = noisy_pair(noise, noise).float()
    method = Noise2Score(level="quality")
    smooth = torch.nn.functional.avg_pool2d(y, 5, stride=1, padding=2, count_include_pad=False)
    score = (smooth - y) / noise.variance(smooth)
    found = method.noise_in_formula(noise, y, score)
    parameters = np.geomspace(*model.blind_range, 2000)
    for image in range(2):
        one, s = y[image : image + 1], score[image : image + 1]
        penalties = [quality_penalty(model, one, model(p).tweedie(one, s)).item() for p in parameters]
        reached = quality_penalty(
            model, one, model(getattr(found, fields(model)[0].name)[image]).tweedie(one, s)
        )
        assert reached.item() <= min(penalties) + 1e-3 * (max(penalties) - min(penalties))


@every_noise
def test_quality_search_is_what_denoises_and_is_reported(noise: Noise):
    y = noisy_pair(noise, noise).float()
    net = lambda image: image + 0.3 * (image.mean() - image)  # noqa: E731
    method, plain = Noise2Score(level="quality"), Noise2Score()
    found = method.estimate(net, y, noise)
    assert plain.estimate(net, y, noise) is noise
    expected = found.tweedie(*plain.score_at(net, y, noise))
    torch.testing.assert_close(method.denoise(net, y, noise), expected)
    assert (expected != plain.denoise(net, y, noise)).any()
