"""Parameters that differ from image to image: every formula uses each image's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from bench.method import Batch
from methods.noise2score import Noise2Score
from methods.sure import Sure
from tests.support.methods.noises import every_noise, noisy_pair

if TYPE_CHECKING:
    from bench.noise import Noise


def both(first: Noise, second: Noise) -> Noise:
    return type(first)(
        torch.tensor([first.parameter, second.parameter], dtype=torch.float64).view(2, 1, 1, 1)
    )


@every_noise
def test_formulas_take_each_image_by_its_own_parameter(noise: Noise):
    pair = (noise, type(noise)(noise.parameter * 1.5))
    y, stacked = noisy_pair(*pair), both(*pair)
    score = torch.sin(9 * y)
    rules = {
        "tweedie": lambda noise, y, s: noise.tweedie(y, s),
        "stabilise": lambda noise, y, s: noise.stabilise(y),
        "unstabilise": lambda noise, y, s: noise.unstabilise(y),
        "raw_score": lambda noise, y, s: noise.raw_score(y, s),
        "variance": lambda noise, y, s: noise.variance(y),
        "sd": lambda noise, y, s: noise.stabilised_sd * torch.ones_like(y),
        "inverse": lambda noise, y, s: type(noise).of_stabilised_sd(noise.stabilised_sd).variance(y),
    }
    for name, rule in rules.items():
        apart = [rule(one, y[i : i + 1], score[i : i + 1]) for i, one in enumerate(pair)]
        torch.testing.assert_close(rule(stacked, y, score), torch.cat(apart), rtol=1e-12, atol=0, msg=name)


@every_noise
def test_stabilised_sd_determines_the_parameter(noise: Noise):
    assert type(noise).of_stabilised_sd(noise.stabilised_sd).parameter == pytest.approx(noise.parameter)


@every_noise
@pytest.mark.parametrize(
    "method",
    [
        Sure(),
        Sure(risk="first_order"),
        Noise2Score(),
        Noise2Score(antithetic=True),
        Noise2Score(domain="raw", formula="paper"),
    ],
    ids=lambda method: f"{type(method).__name__}:{method.settings}",
)
def test_methods_take_each_image_by_its_own_parameter(noise: Noise, method: Sure | Noise2Score):
    """The losses of two images are those of each alone under its own parameter."""
    same = (noise, noise)
    y = noisy_pair(*same)

    def losses(given: Noise) -> torch.Tensor:
        rng = torch.Generator().manual_seed(0)
        net = lambda image: image + 0.1 * torch.tanh(image)  # noqa: E731
        return method.loss(net, Batch({"noisy": y}, given), rng, torch.tensor(0.5).double())

    plain, stacked = losses(noise), losses(both(*same))
    torch.testing.assert_close(stacked, plain, rtol=1e-10, atol=0)
    other = losses(both(noise, type(noise)(noise.parameter * 1.5)))
    assert other[0].item() == pytest.approx(plain[0].item(), rel=1e-10)
    assert other[1].item() != pytest.approx(plain[1].item(), rel=1e-5)
