"""The training loop: what it refuses, and what it repeats to the last bit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import torch

from bench.method import Method, squared_error
from bench.noise import Gaussian
from bench.patches import Patches, Sampling
from bench.training import TrainingError, train
from bench.unet import UNet

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.images import ImageSet

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Imitate(Method):
    """Reproduce the noisy image, changed by a function of the losses and the progress."""

    needs = frozenset({"noisy"})
    change: Callable = lambda losses, progress: losses

    def loss(self, net, batch, rng, progress):
        return self.change(squared_error(net(batch.noisy), 0 * batch.noisy), progress)

    def denoise(self, net, noisy, noise):
        return net(noisy)


def fit(
    images: ImageSet, method: Method, *, steps: int = 45, precision: str = "float32"
) -> tuple[UNet, list]:
    patches = Patches(
        images, Gaussian(25), needs=method.needs, sampling=Sampling(steps, 2, 32, seed=0), device=CPU
    )
    net = UNet(1, width=4, seed=1)
    log = []
    train(net, method, patches, precision=precision, device=CPU, report=log.append)
    return net, log


def test_loss_falls_and_the_log_covers_every_step(tiny_set: Callable[[int], ImageSet]) -> None:
    _, log = fit(tiny_set(1), Imitate())
    assert [entry["step"] for entry in log] == [20, 40, 45]
    assert log[-1]["loss"] < log[0]["loss"] / 2
    assert log[-1]["learning_rate"] < log[0]["learning_rate"] / 100


def test_the_same_run_twice_ends_with_the_same_bits(tiny_set: Callable[[int], ImageSet]) -> None:
    images = tiny_set(1)
    first, second = (fit(images, Imitate())[0].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_progress_runs_from_zero_towards_one(tiny_set: Callable[[int], ImageSet]) -> None:
    seen = []
    fit(tiny_set(1), Imitate(lambda losses, progress: seen.append(progress) or losses), steps=4)
    assert [value.item() for value in seen] == [0, 0.25, 0.5, 0.75]
    assert all(value.shape == () for value in seen)


def test_a_loss_that_is_not_finite_ends_the_run_with_its_step(tiny_set: Callable[[int], ImageSet]) -> None:
    method = Imitate(lambda losses, progress: losses * (math.nan if progress == 0.5 else 1))
    with pytest.raises(TrainingError, match=r"became nan at step 11 of 20, from the loss of finite patches"):
        fit(tiny_set(1), method, steps=20)


def test_patches_that_are_not_finite_are_named_as_the_cause(tiny_set: Callable[[int], ImageSet]) -> None:
    method = Imitate()
    patches = Patches(
        tiny_set(1), Gaussian(25), needs=method.needs, sampling=Sampling(3, 2, 32, seed=0), device=CPU
    )
    patches.sources["noisy"].fill_(math.inf)
    with pytest.raises(TrainingError, match=r"at step 1 of 3, from patches that are not finite"):
        train(UNet(1, width=4, seed=1), method, patches, precision="float32", device=CPU, report=print)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda losses, _: losses.mean(), r"shape \(\), but must be \(2,\), one value per image"),
        (lambda losses, _: losses[:, None], r"shape \(2, 1\), but must be \(2,\)"),
        (lambda losses, _: losses.detach(), "does not depend on the network"),
    ],
)
def test_a_wrong_loss_is_refused(tiny_set: Callable[[int], ImageSet], change: Callable, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        fit(tiny_set(1), Imitate(change))


def test_bfloat16_reaches_the_same_loss(tiny_set: Callable[[int], ImageSet]) -> None:
    images = tiny_set(1)
    losses = [
        fit(images, Imitate(), precision=precision)[1][-1]["loss"] for precision in ("float32", "bfloat16")
    ]
    # 45 steps take the loss down a hundredfold; eight bits of mantissa cost it a few per cent of the way.
    assert losses[0] == pytest.approx(losses[1], rel=0.5)
    assert losses[0] != losses[1]
