"""The one training loop: every method, on every device."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from bench.devices import exact_float32, synchronise
from bench.seeds import seed_of

if TYPE_CHECKING:
    from torch import Tensor

    from bench.method import Batch, Method, Network, Precision
    from bench.patches import Patches
    from bench.unet import UNet

LEARNING_RATE = 2e-3
WARM_UP = 0.1
LOG_EVERY = 20

Report = Callable[[dict[str, Any]], None]


class TrainingError(RuntimeError):
    """A run that cannot end with a trained network."""


@dataclass(frozen=True)
class Clock:
    """What a training cost, evaluation apart."""

    seconds: float
    patches_per_second: float


def train(
    net: UNet, method: Method, patches: Patches, *, precision: Precision, device: torch.device, report: Report
) -> Clock:
    """Train a network in place by Adam, with a one-cycle cosine schedule; the last weights count.

    Args:
        net: on ``device``.
        method: gives the loss.
        patches: gives the batch of each step.
        precision: of the network's arithmetic; losses and weights are float32 always.
        device: where to train.
        report: called every few steps with step, mean loss, learning rate and seconds.

    Raises:
        TrainingError: the loss has a wrong shape, does not depend on the network, or is not finite.
    """
    exact_float32()
    sampling = patches.sampling
    net.train().to(memory_format=torch.channels_last)
    network = in_precision(net, precision, device)
    optimiser = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, LEARNING_RATE, total_steps=sampling.steps + 1, pct_start=WARM_UP, cycle_momentum=False
    )
    rng = torch.Generator(device)
    pending: list[Tensor] = []
    last_finite = math.nan
    started = time.perf_counter()
    for step in range(sampling.steps):
        # Keyed by the step, so that a run can go on from any step without a stored random state.
        rng.manual_seed(seed_of("method", sampling.seed, step))
        progress = torch.full((), step / sampling.steps, device=device)
        losses = method.loss(network, patches(step), rng, progress)
        if step == 0:
            _check_losses(losses, sampling.batch)
        loss = losses.mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        pending.append(loss.detach())
        if len(pending) == LOG_EVERY or step + 1 == sampling.steps:
            values = torch.stack(pending).tolist()
            pending.clear()
            last_finite = _check_finite(values, step + 1, patches, last_finite=last_finite)
            seconds = time.perf_counter() - started
            rate = schedule.get_last_lr()[0]
            mean = sum(values) / len(values)
            report({"step": step + 1, "loss": mean, "learning_rate": rate, "seconds": seconds})
    synchronise(device)
    seconds = time.perf_counter() - started
    return Clock(seconds, sampling.steps * sampling.batch / seconds)


def in_precision(net: UNet, precision: Precision, device: torch.device) -> Network:
    """Wrap a network so that it alone computes in ``precision``; its input and output stay float32."""

    def network(image: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            result: Tensor = net(image.contiguous(memory_format=torch.channels_last))
        return result

    return network


def _check_losses(losses: Tensor, batch: int) -> None:
    if tuple(losses.shape) != (batch,):
        raise TrainingError(
            f"the loss has shape {tuple(losses.shape)}, but must be ({batch},), one value per image"
        )
    if not losses.requires_grad:
        raise TrainingError("the loss does not depend on the network, so nothing can be learned from it")


def _check_finite(values: list[float], done: int, patches: Patches, *, last_finite: float) -> float:
    """Return the last loss, or raise at the first that is not finite."""
    for offset, value in enumerate(values):
        if not math.isfinite(value):
            step = done - len(values) + offset
            finite = _is_finite(patches(step))
            cause = "the loss of finite patches" if finite else "patches that are not finite"
            raise TrainingError(
                f"the loss became {value} at step {step + 1} of {patches.sampling.steps}, from {cause}; "
                f"the loss before was {last_finite:.4g}"
            )
        last_finite = value
    return last_finite


def _is_finite(batch: Batch) -> bool:
    return all(bool(torch.isfinite(image).all()) for image in batch.images.values())
