"""One training step: computed by hand, and on a simulated accelerator."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import pytest
import torch
from torch import nn

from bench.conformance.accelerator import ACCELERATOR, Generator, simulate_accelerator, to_accelerator
from bench.conformance.case import small_unet
from bench.method import Method, squared_error
from bench.protocol import LEARNING_RATES, OPTIMISER
from bench.seeds import seed_of
from bench.settings import DEFAULT_OPTIMISER
from bench.training.engine import make_step
from bench.training.loop import train
from bench.training.patches import Patches, Sampling
from bench.training.precision import in_precision
from bench.training.step import Step
from tests.support.methods.noises import LEVELS
from tests.support.stepping import CPU, CUDA, METHODS, UNKNOWN, every_method, flat, patches_of, stepped

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.images.image_set import ImageSet
    from bench.noise import Noise
    from bench.noise.blind import UnknownNoise


# By hand


@dataclass
class Ascent:
    """Adam on one number, uphill."""

    mean: float = 0.0
    square: float = 0.0
    steps: int = 0

    def __call__(self, slope: float, rate: float) -> float:
        self.steps += 1
        self.mean = 0.9 * self.mean + 0.1 * slope
        self.square = 0.99 * self.square + 0.01 * slope**2
        mean, square = self.mean / (1 - 0.9**self.steps), self.square / (1 - 0.99**self.steps)
        return rate * mean / (math.sqrt(square) + 1e-8)


@every_method
def test_a_step_is_one_of_adam_on_the_mean_loss(tiny_set: Callable[[int], ImageSet], method: Method) -> None:
    patches = patches_of(tiny_set(1), method, steps=20, seed=3)
    net = small_unet(1).to(memory_format=torch.channels_last)
    network = in_precision(net, "float32", CPU)
    adam = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.9, 0.99), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        adam, max_lr=2e-3, total_steps=21, pct_start=0.1, cycle_momentum=False
    )
    logarithms = {name: torch.tensor(math.log(value)) for name, value in method.multipliers.items()}
    ascents = {name: Ascent() for name in logarithms}
    usual = 0.0
    for step in range(20):
        rng = torch.Generator().manual_seed(seed_of("method", 3, step))
        adam.zero_grad()
        multipliers = {name: value.exp().requires_grad_() for name, value in logarithms.items()}
        batch = replace(patches(step), multipliers=multipliers)
        method.loss(network, batch, rng, torch.tensor(step / 20)).mean().backward()
        for name, multiplier in multipliers.items():
            slope = float(multiplier.grad * multiplier.detach())  # along the logarithm
            logarithms[name] += ascents[name](slope, 20 * adam.param_groups[0]["lr"])
        length = math.sqrt(sum(float((weight.grad.double() ** 2).sum()) for weight in net.parameters()))
        usual = usual or length
        for weight in net.parameters():
            weight.grad *= min(1, 2 * usual / length)
        usual = 0.98 * usual + 0.02 * min(length, 2 * usual)
        adam.step()
        schedule.step()
    torch.testing.assert_close(flat(stepped(method, patches, optimiser="adam")), flat(net), rtol=0, atol=1e-5)


@dataclass(frozen=True)
class Burst(Method):
    """A loss that is a multiple of the squared error, and another multiple from one step on."""

    unit: float = 1.0
    burst: float = 1.0
    at: float = 0.5

    needs = frozenset({"noisy", "clean"})

    def loss(self, net, batch, rng, progress):
        factor = torch.where((progress - self.at).abs() < 1e-3, self.burst, 1.0)
        return self.unit * factor * squared_error(net(batch.noisy), batch.clean)

    def denoise(self, net, noisy, noise):
        return net(noisy)


def test_gradients_are_clipped_to_twice_their_mean_norm(tiny_set: Callable[[int], ImageSet]) -> None:
    sampling = patches_of(tiny_set(1), Burst(), steps=1).sampling
    step = make_step(
        small_unet(1), Burst(), sampling=sampling, precision="float32", device=CPU, engine="eager"
    )
    count = sum(weight.numel() for weight in step.net.parameters())
    usual = 0.0
    for length in (0.5, 0.7, 3.0, 2.0, 0.0, 0.01, 1.2, 1e6):
        for weight in step.net.parameters():
            weight.grad = torch.full_like(weight, length / math.sqrt(count))
        step.clip_gradient()
        usual = usual or length
        shortened = min(length, 2 * usual)
        found = torch.cat([weight.grad.flatten() for weight in step.net.parameters()])
        assert float(found.double().norm()) == pytest.approx(shortened, rel=1e-4)
        usual = 0.98 * usual + 0.02 * shortened


def test_a_loss_may_be_in_any_unit(tiny_set: Callable[[int], ImageSet]) -> None:
    patches = patches_of(tiny_set(1), Burst(), steps=20)
    # Both so large that the 1e-8 which Adam adds to the root of the mean square does not count.
    small, large = (flat(stepped(Burst(unit, burst=1e4), patches)) for unit in (2.0**20, 2.0**30))
    torch.testing.assert_close(small, large, rtol=0, atol=1e-6)


def test_a_larger_burst_changes_the_weights_no_more(
    tiny_set: Callable[[int], ImageSet],
) -> None:
    patches = patches_of(tiny_set(1), Burst(), steps=20)
    burst, worse = (flat(stepped(Burst(burst=size), patches)) for size in (100, 1e4))
    # Muon rounds to bfloat16, and its steps are up to .01 long.
    torch.testing.assert_close(burst, worse, rtol=0, atol=1e-3)


@dataclass(frozen=True)
class Constrained(Burst):
    """A burst's loss with two Lagrange multipliers, whose constraints no network meets."""

    multipliers: ClassVar = {"rising": 0.5, "falling": 2.0}

    def loss(self, net, batch, rng, progress):
        violation = 1e3 * (batch.multipliers["rising"] - batch.multipliers["falling"])
        return super().loss(net, batch, rng, progress) + violation


def test_multipliers_ascend_without_changing_the_training_of_the_network(
    tiny_set: Callable[[int], ImageSet],
) -> None:
    """Not even the length of its gradients is changed by theirs, which are far longer."""
    patches = patches_of(tiny_set(1), Burst(), steps=20)
    method = Constrained(burst=100)
    net, sampling = small_unet(1), patches.sampling
    step_once = make_step(net, method, sampling=sampling, precision="float32", device=CPU, engine="eager")
    step_once.dry_run(patches(0))
    values = []
    for step in range(20):
        values.append({name: value.exp().item() for name, value in step_once.log_multipliers.items()})
        step_once(step, patches(step))
    assert values[0] == pytest.approx(method.multipliers)
    rising, falling = ([value[name] for value in values] for name in ("rising", "falling"))
    assert rising == sorted(set(rising))
    assert falling == sorted(set(falling), reverse=True)
    assert torch.equal(flat(net), flat(stepped(Burst(burst=100), patches)))


def test_steps_are_a_function_of_the_seed(tiny_set: Callable[[int], ImageSet]) -> None:
    images, method = tiny_set(1), METHODS["noise2score"]
    patches = patches_of(images, method, steps=3)
    first, again = (flat(stepped(method, patches)) for _ in range(2))
    assert torch.equal(first, again)
    # Of the steps' own randomness too, not only of that of the patches.
    other = patches_of(images, method, steps=3, seed=1)
    other.places, other.sources = patches.places, patches.sources
    assert not torch.equal(first, flat(stepped(method, other)))


# On an accelerator that is not there


SIMULATED = [
    (spec, noise)
    for spec, method in METHODS.items()
    for noise in (*LEVELS.values(), UNKNOWN)
    # torch cannot simulate binomial draws.
    if noise.name in method.noises and (spec, noise.name) != ("r2r", "poisson")
]


@pytest.mark.parametrize(
    ("spec", "noise"), SIMULATED, ids=[f"{spec}, {noise.spec}" for spec, noise in SIMULATED]
)
def test_a_step_stays_on_its_device_and_reads_no_value(
    tiny_set: Callable[[int], ImageSet],
    monkeypatch: pytest.MonkeyPatch,
    spec: str,
    noise: Noise | UnknownNoise,
) -> None:
    """All but the backward pass and Adam's kernel, which torch does not pretend to do."""
    images, method, sampling = tiny_set(1), METHODS[spec], Sampling(steps=3, batch=4, patch=32, seed=0)
    estimates = [noise.strongest for _ in images] if noise is UNKNOWN else []
    monkeypatch.setattr(Patches, "_estimates", lambda *_: estimates)  # made on the host
    monkeypatch.setattr("bench.training.patches.has_room_for_images", lambda *_: True)
    monkeypatch.setattr(torch, "Generator", Generator)
    monkeypatch.setattr(torch, "_fused_adam_", lambda *_, **__: None)
    net = small_unet(1)
    monkeypatch.setattr(net, "to", lambda **_: net)
    with simulate_accelerator():
        for module in net.modules():
            for name, weight in list(module.named_parameters(recurse=False)):
                setattr(module, name, nn.Parameter(to_accelerator(weight)))
        # Resampled, so that noise is drawn there too.
        patches = Patches(
            images,
            noise,
            needs=method.needs,
            sampling=sampling,
            training_noise="resampled",
            device=ACCELERATOR,
        )
        step = Step(net, method, sampling=sampling, precision="float32", device=ACCELERATOR)
        for number in range(3):
            step.prepare(number)
            losses = step.losses(step.network, patches(number))
            assert losses.device == ACCELERATOR
            for weight in (*net.parameters(), *step.log_multipliers.values()):
                weight.grad = torch.zeros_like(weight)
            step.clip_gradient()
            step.optimiser.step()
            step.optimiser.advance_schedule()


@pytest.mark.gpu
@pytest.mark.parametrize("engine", ["eager", "graph"])
def test_the_cost_on_cuda_includes_the_peak_memory(tiny_set: Callable[[int], ImageSet], engine: str) -> None:
    images, method = tiny_set(1), METHODS["supervised"]
    peaks = []
    for batch in (8, 64):
        patches = patches_of(images, method, steps=5, batch=batch, device=CUDA)
        net = small_unet(1).to(CUDA)
        cost = train(
            net, method, patches, precision="float32", device=CUDA, report=lambda _: None, engine=engine
        )
        assert cost.engine == engine
        peaks.append(cost.peak_bytes)
    held = sum(weight.nbytes for weight in small_unet(1).parameters())
    assert peaks[1] > peaks[0] > held


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 9, 10, 11, 19, 20])
@pytest.mark.parametrize("peak", [LEARNING_RATES[OPTIMISER], 1e-4])
def test_the_shortest_runs_have_a_learning_rate_at_every_step(steps: int, peak: float):
    method = METHODS["supervised"]
    step_once = make_step(
        small_unet(1),
        method,
        sampling=Sampling(steps, batch=4, patch=32, seed=0),
        precision="float32",
        device=CPU,
        engine="eager",
        optimiser=DEFAULT_OPTIMISER._replace(learning_rate=peak),
    )
    rates = []
    for _ in range(steps):
        rates.append(step_once.learning_rate)
        step_once.optimiser.step()
        step_once.optimiser.advance_schedule()
    assert min(rates) > 0
    assert steps == 1 or max(rates) == pytest.approx(peak, rel=0.01)
