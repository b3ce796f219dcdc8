"""One training step: the loss of a batch, its gradients, and the optimiser."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from bench.seeds import seed_of
from bench.settings import DEFAULT_OPTIMISER
from bench.training.optimiser import Optimiser
from bench.training.precision import disable_tf32, in_precision

if TYPE_CHECKING:
    from torch import Tensor

    from bench.method import Batch, Method, Network
    from bench.settings import OptimiserSettings, Precision
    from bench.training.patches import Sampling
    from bench.training.unet import UNet

NORM_DECAY = 0.98
"""Decay rate of the running mean of the gradient norm, per step."""


class TrainingError(RuntimeError):
    """A training run cannot produce a trained network."""


class Step:
    """Trains a network one step at a time.

    The gradient is clipped to ``clip_ratio`` times the running mean of its norm: at a learning rate that
    suits all methods, a single much larger gradient could ruin a training run. Only the ratio of norms
    matters, so a loss may be in any unit, as for the optimisers.

    The network descends the loss and the Lagrange multipliers ascend it. Their logarithms are trained, so
    that they stay positive.

    No step waits for the device.

    Args:
        net: network on ``device``, trained in place.
        method: method that computes the loss.
        sampling: number of steps, and seed.
        precision: precision of the network's arithmetic; losses and weights are always float32.
        device: the device to train on.
        optimiser: the optimiser, its peak learning rate and how it clips gradients.
        compiled: whether ``torch.compile`` fuses the network.
    """

    def __init__(
        self,
        net: UNet,
        method: Method,
        *,
        sampling: Sampling,
        precision: Precision,
        device: torch.device,
        optimiser: OptimiserSettings = DEFAULT_OPTIMISER,
        compiled: bool = False,
    ) -> None:
        disable_tf32()
        net.train().to(memory_format=torch.channels_last)
        self.net = net
        self.method = method
        self.sampling = sampling
        self.clip_ratio = optimiser.clip_ratio
        self.eager_network = in_precision(net, precision, device)
        self.network = torch.compile(self.eager_network, dynamic=False) if compiled else self.eager_network
        self.log_multipliers = {
            name: torch.tensor(math.log(value), device=device, requires_grad=True)
            for name, value in method.multipliers.items()
        }
        self.optimiser = Optimiser(
            optimiser.name,
            net,
            self.log_multipliers,
            learning_rate=optimiser.learning_rate,
            steps=sampling.steps,
            device=device,
        )
        self.rng = torch.Generator(device)
        self.progress = torch.zeros((), device=device)
        self.mean_gradient_norm = torch.full((), torch.nan, device=device)

    def __call__(self, step: int, batch: Batch) -> Tensor:
        """Take the step with the given number, counted from 0, and return its mean loss, a 0-d tensor."""
        self.prepare(step)
        loss = self.update(batch)
        self.optimiser.advance_schedule()
        return loss

    def prepare(self, step: int) -> None:
        """Set the random numbers and the progress of a step on the device."""
        # Keyed by the step, so that a run can resume at any step without a stored random state.
        self.rng.manual_seed(seed_of("method", self.sampling.seed, step))
        self.progress.fill_(step / self.sampling.steps)

    def dry_run(self, batch: Batch) -> Tensor:
        """Return the losses of the first step, (B,), and compute its gradients without changing a weight.

        Raises:
            TrainingError: the losses have a wrong shape, or do not depend on the network.
        """
        self.prepare(0)
        losses = self.losses(self.eager_network, batch)
        if tuple(losses.shape) != (batch.size,):
            raise TrainingError(
                f"the loss has shape {tuple(losses.shape)}, but must be ({batch.size},), one value per image"
            )
        if not losses.requires_grad:
            raise TrainingError("the loss does not depend on the network, so nothing can be learned from it")
        losses.mean().backward()  # type: ignore[no-untyped-call]
        self.optimiser.zero_grad()
        return losses.detach()

    def update(self, batch: Batch) -> Tensor:
        """Update the weights with the gradient of the mean loss, and return that loss."""
        loss = self.losses(self.network, batch).mean()
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.clip_gradient()
        self.optimiser.step()
        return loss.detach()

    def losses(self, network: Network, batch: Batch) -> Tensor:
        """Compute the method's losses, (B,), with the current Lagrange multipliers."""
        multipliers = {name: logarithm.exp() for name, logarithm in self.log_multipliers.items()}
        return self.method.loss(network, replace(batch, multipliers=multipliers), self.rng, self.progress)

    def clip_gradient(self) -> None:
        """Clip the norm of the network's gradient to ``clip_ratio`` times its running mean."""
        norm = get_total_norm([weight.grad for weight in self.net.parameters() if weight.grad is not None])
        mean = torch.where(self.mean_gradient_norm.isnan(), norm, self.mean_gradient_norm)
        ratio = norm / mean.clamp(min=torch.finfo(mean.dtype).tiny)
        clip_grads_with_norm_(self.net.parameters(), self.clip_ratio, ratio)
        self.mean_gradient_norm.copy_(mean.lerp(norm.minimum(self.clip_ratio * mean), 1 - NORM_DECAY))

    def state(self) -> dict[str, Tensor]:
        """Return all tensors on which the next step depends, by name, on the CPU; waits for the device."""
        state = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        state |= {f"multiplier.{name}": value for name, value in self.log_multipliers.items()}
        state |= self.optimiser.state()
        state["mean_gradient_norm"] = self.mean_gradient_norm
        return {name: value.detach().to("cpu", copy=True) for name, value in state.items()}

    def restore(self, state: dict[str, Tensor], step: int) -> None:
        """Resume from the state after ``step`` steps, as if there had been no interruption.

        Raises:
            TrainingError: the state belongs to another network or method.
        """
        wanted = {f"net.{name}" for name in self.net.state_dict()} | {"mean_gradient_norm"}
        wanted |= {f"multiplier.{name}" for name in self.log_multipliers}
        wanted |= self.optimiser.state_names()
        if wanted != set(state):
            other = ", ".join(sorted(wanted ^ set(state))[:3])
            raise TrainingError(f"the checkpoint is of another network or method: they differ in {other}")
        self.net.load_state_dict({name: state[f"net.{name}"] for name in self.net.state_dict()})
        with torch.no_grad():
            for name, logarithm in self.log_multipliers.items():
                logarithm.copy_(state[f"multiplier.{name}"])
        self.optimiser.restore(state, step)
        self.mean_gradient_norm.copy_(state["mean_gradient_norm"])

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step; reading it waits for the device."""
        return self.optimiser.learning_rate
