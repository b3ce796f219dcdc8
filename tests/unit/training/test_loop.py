"""The training loop: what it refuses, what it repeats to the last bit, and what it costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.conformance.case import small_unet
from bench.method import Method, squared_error
from bench.noise import Gaussian
from bench.training.engine import make_step
from bench.training.loop import Cost, EvaluationPoints, train
from bench.training.patches import Patches, Sampling
from bench.training.step import TrainingError
from bench.training.unet import UNet
from methods.neighbor2neighbor import Neighbor2Neighbor

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.images.image_set import ImageSet

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


class Fitted(NamedTuple):
    net: UNet
    log: list[dict[str, Any]]
    cost: Cost


def patches_of(images: ImageSet, *, steps: int, batch: int = 2) -> Patches:
    sampling = Sampling(steps, batch, 32, seed=0)
    return Patches(images, Gaussian(25), needs=Imitate.needs, sampling=sampling, device=CPU)


def fit(
    images: ImageSet,
    method: Method,
    *,
    steps: int = 45,
    batch: int = 2,
    precision: str = "float32",
    net: UNet | None = None,
    evaluation_points: EvaluationPoints | None = None,
) -> Fitted:
    patches = patches_of(images, steps=steps, batch=batch)
    net = net or UNet(1, width=4, seed=1)
    log = []
    cost = train(
        net,
        method,
        patches,
        precision=precision,
        device=CPU,
        report=log.append,
        evaluation_points=evaluation_points,
    )
    return Fitted(net, log, cost)


def same_weights(first: UNet, second: UNet) -> bool:
    there = second.state_dict()
    return all(torch.equal(value, there[name]) for name, value in first.state_dict().items())


def test_loss_falls_and_the_log_covers_every_step(tiny_set: Callable[[int], ImageSet]) -> None:
    log = fit(tiny_set(1), Imitate()).log
    assert [entry["step"] for entry in log] == [20, 40, 45]
    assert log[-1]["loss"] < log[0]["loss"] / 2
    assert log[-1]["learning_rate"] < log[0]["learning_rate"] / 100


def test_the_same_run_twice_ends_with_the_same_bits(tiny_set: Callable[[int], ImageSet]) -> None:
    images = tiny_set(1)
    assert same_weights(*(fit(images, Imitate()).net for _ in range(2)))


def test_progress_runs_from_zero_towards_one(tiny_set: Callable[[int], ImageSet]) -> None:
    seen = []
    fit(tiny_set(1), Imitate(lambda losses, progress: seen.append(progress.clone()) or losses), steps=4)
    # Before the first step the loss is tried out.
    trials, steps = seen[:-4], seen[-4:]
    assert [value.item() for value in steps] == [0, 0.25, 0.5, 0.75]
    assert not any(trials)
    assert all(value.shape == () for value in seen)


def test_a_dry_run_changes_no_weight_and_leaves_no_gradient(
    tiny_set: Callable[[int], ImageSet],
) -> None:
    images, net = tiny_set(1), small_unet(1)
    gradients = []
    method = Imitate(
        lambda losses, _: gradients.append([weight.grad is None for weight in net.parameters()]) or losses
    )
    fit(images, method, steps=3, net=net)
    trials = len(gradients) - 3
    assert trials > 0
    assert all(map(all, gradients[: trials + 1]))
    patches, by_step = patches_of(images, steps=3), small_unet(1)
    step_once = make_step(
        by_step, Imitate(), sampling=patches.sampling, precision="float32", device=CPU, engine="eager"
    )
    for step in range(3):
        step_once(step, patches(step))
    assert same_weights(net, by_step)


def test_a_loss_that_is_not_finite_ends_the_run_with_its_step(tiny_set: Callable[[int], ImageSet]) -> None:
    method = Imitate(lambda losses, progress: losses * (math.nan if progress == 0.5 else 1))
    with pytest.raises(TrainingError, match=r"became nan at step 11 of 20, from the loss of finite patches"):
        fit(tiny_set(1), method, steps=20)


def test_patches_that_are_not_finite_are_named_as_the_cause(tiny_set: Callable[[int], ImageSet]) -> None:
    patches = patches_of(tiny_set(1), steps=3)
    patches.sources["noisy"].fill_(math.inf)
    with pytest.raises(TrainingError, match=r"at step 1 of 3, from patches that are not finite"):
        train(UNet(1, width=4, seed=1), Imitate(), patches, precision="float32", device=CPU, report=print)


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
        fit(images, Imitate(), precision=precision).log[-1]["loss"] for precision in ("float32", "bfloat16")
    ]
    # 45 steps take the loss down a hundredfold; eight bits of mantissa cost it a few per cent of the way.
    assert losses[0] == pytest.approx(losses[1], rel=0.5)
    assert losses[0] != losses[1]


# What it cost


def test_operations_are_those_of_every_step(tiny_set: Callable[[int], ImageSet]) -> None:
    images = tiny_set(1)
    noisy = patches_of(images, steps=1)(0).noisy
    with FlopCounterMode(display=False) as counter:
        squared_error(UNet(1, width=4, seed=1)(noisy), noisy).mean().backward()
    per_step = counter.get_total_flops()
    assert per_step > 0
    assert fit(images, Imitate(), steps=3).cost.flops == 3 * per_step
    assert fit(images, Imitate(), steps=2, batch=6).cost.flops == 2 * 3 * per_step


def test_passes_are_those_of_one_step_in_sizes_of_the_batch(tiny_set: Callable[[int], ImageSet]) -> None:
    images = tiny_set(1)
    costs = [fit(images, Imitate(), steps=steps, batch=steps).cost for steps in (1, 3)]
    assert [(cost.forward_passes, cost.backward_passes) for cost in costs] == [(1, 1)] * 2


def test_passes_over_larger_patches_are_in_sizes_of_the_batch_of_others(
    tiny_set: Callable[[int], ImageSet],
) -> None:
    """One pass without gradient over 2 patches of twice the side is 2 of 4 patches, a quarter of it 1/2."""
    images, method = tiny_set(1), Neighbor2Neighbor()
    sampling = Sampling(1, 4, 16, seed=0).scaled(2)
    patches = Patches(images, Gaussian(25), needs=method.needs, sampling=sampling, device=CPU)
    cost = train(small_unet(1), method, patches, precision="float32", device=CPU, report=print)
    assert (cost.forward_passes, cost.backward_passes) == (2.5, 0.5)


def test_memory_grows_with_the_batch(tiny_set: Callable[[int], ImageSet]) -> None:
    images = tiny_set(1)
    small, middle, large = (
        fit(images, Imitate(), steps=1, batch=batch).cost.peak_bytes for batch in (8, 16, 32)
    )
    # Features are held once per patch; gradients of the weights do not grow.
    assert large - middle == pytest.approx(2 * (middle - small), rel=0.01)
    assert 1.5 < large / middle <= 2


@dataclass
class Clock:
    """Time that passes only where a test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def taking(self, seconds: float) -> Callable[[Any, Any], Any]:
        """Make a change of the losses that takes so long."""

        def change(losses: Any, _: Any) -> Any:
            self.now += seconds
            return losses

        return change


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("bench.system.stopwatch.time", SimpleNamespace(perf_counter=clock, thread_time=clock))
    return clock


def test_seconds_are_those_of_the_steps_alone(tiny_set: Callable[[int], ImageSet], clock: Clock) -> None:
    """Neither dry runs nor evaluations count: each step takes two seconds, each evaluation a thousand."""
    evaluations = []

    def evaluate_midway(step: int, seconds: float, flops: int) -> None:
        clock.now += 1000
        evaluations.append((step, seconds, flops))

    fitted = fit(
        tiny_set(1),
        Imitate(clock.taking(2)),
        steps=23,
        evaluation_points=EvaluationPoints(frozenset({1, 3, 20, 23}), evaluate_midway),
    )
    steps = [step for step, _, _ in evaluations]
    assert steps == [1, 3, 20, 23]
    assert [seconds for _, seconds, _ in evaluations] == [2 * step for step in steps]
    assert [flops * 23 for _, _, flops in evaluations] == [fitted.cost.flops * step for step in steps]
    assert fitted.cost.seconds == 2 * 23
    assert fitted.cost.core_share == 1
    assert fitted.cost.patches_per_second == 2 * 23 / fitted.cost.seconds
    assert [(entry["step"], entry["seconds"]) for entry in fitted.log] == [(20, 40), (23, 46)]
    assert fitted.cost.engine == "eager"


def test_evaluation_changes_no_weight(tiny_set: Callable[[int], ImageSet]) -> None:
    images = tiny_set(1)
    net, seen = UNet(1, width=4, seed=1), []

    def evaluate_midway(*_: float) -> None:
        with torch.inference_mode():
            seen.append(net.eval()(torch.ones(1, 1, 40, 33)))

    fitted = fit(
        images,
        Imitate(),
        steps=7,
        net=net,
        evaluation_points=EvaluationPoints(frozenset(range(1, 8)), evaluate_midway),
    )
    assert not any(torch.equal(first, second) for first, second in pairwise(seen))
    assert same_weights(fitted.net, fit(images, Imitate(), steps=7).net)
