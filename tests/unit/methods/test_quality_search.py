"""Noise2Score's search for the parameter of the noise by quality (Kim & Ye 2021, section 3.3)."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import torch

from methods.noise2score import Noise2Score, quality_penalty
from tests.support.methods.noises import every_noise, noisy_pair

if TYPE_CHECKING:
    from bench.noise import Noise


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
