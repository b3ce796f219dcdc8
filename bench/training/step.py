"""One step of training: the loss of a batch, its gradients, and Adam."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from bench.protocol import CLIP_RATIO, LEARNING_RATE
from bench.seeds import seed_of
from bench.training.precision import exact_float32, in_precision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from bench.method import Batch, Method, Network
    from bench.settings import Precision
    from bench.training.patches import Sampling
    from bench.training.unet import UNet

BETAS = (0.9, 0.99)
"""The decay rates of Adam's two moments."""
WARM_UP = 0.1
MEMORY = 0.98
"""The usual length is a running mean, which keeps this share of itself at each step."""
ASCENT = 20.0
"""The learning rate of the logarithm of a Lagrange multiplier, in units of the network's."""

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What Adam remembers of each parameter."""


class TrainingError(RuntimeError):
    """A run that cannot end with a trained network."""


class Step:
    """Advances a network by one step of Adam at a time, with a one-cycle cosine schedule.

    A gradient much longer than those before it is shortened: at a rate that suits all methods, one such step
    can undo a training. What counts is the ratio of lengths, so that a loss may be in any unit, as for Adam.

    Lagrange multipliers ascend where the network descends. They are kept as logarithms, and so stay positive.

    Nothing in it waits for the device.

    Args:
        net: on ``device``; trained in place.
        method: gives the loss.
        sampling: the number of steps, and the seed.
        precision: of the network's arithmetic; losses and weights are float32 always.
        device: where to train.
        learning_rate: the highest of the schedule.
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
        learning_rate: float = LEARNING_RATE,
        compiled: bool = False,
    ) -> None:
        exact_float32()
        net.train().to(memory_format=torch.channels_last)
        self.net = net
        self.method = method
        self.sampling = sampling
        self.plain = in_precision(net, precision, device)
        self.network = torch.compile(self.plain, dynamic=False) if compiled else self.plain
        self.logarithms = {
            name: torch.tensor(math.log(value), device=device, requires_grad=True)
            for name, value in method.multipliers.items()
        }
        on_cuda = device.type == "cuda"
        rates = [learning_rate, ASCENT * learning_rate]
        # On CUDA tensors, which a captured step reads anew each time.
        descent, ascent = (torch.tensor(rate, device=device) if on_cuda else rate for rate in rates)
        groups: list[dict[str, Any]] = [
            {"params": list(net.parameters()), "lr": descent},
            {"params": list(self.logarithms.values()), "lr": ascent, "maximize": True},
        ]
        self.optimiser = torch.optim.Adam(groups, betas=BETAS, fused=True, capturable=on_cuda)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            rates,
            total_steps=sampling.steps + 1,
            pct_start=max(WARM_UP, 2 / (sampling.steps + 1)),  # at least one step
            cycle_momentum=False,
        )
        self.rng = torch.Generator(device)
        self.progress = torch.zeros((), device=device)
        self.mean_gradient_norm = torch.full((), torch.nan, device=device)

    def __call__(self, step: int, batch: Batch) -> Tensor:
        """Take the step of that number, counted from 0, and give its mean loss, a 0-d tensor."""
        self.prepare(step)
        loss = self.update(batch)
        self.schedule.step()
        return loss

    def prepare(self, step: int) -> None:
        """Tell the device which step it is."""
        # Keyed by the step, so that a run can go on from any step without a stored random state.
        self.rng.manual_seed(seed_of("method", self.sampling.seed, step))
        self.progress.fill_(step / self.sampling.steps)

    def dry_run(self, batch: Batch) -> Tensor:
        """Give the losses of the first step, (B,), and compute its gradients; no weight moves.

        Raises:
            TrainingError: the losses have a wrong shape, or do not depend on the network.
        """
        self.prepare(0)
        losses = self.losses(self.plain, batch)
        if tuple(losses.shape) != (batch.size,):
            raise TrainingError(
                f"the loss has shape {tuple(losses.shape)}, but must be ({batch.size},), one value per image"
            )
        if not losses.requires_grad:
            raise TrainingError("the loss does not depend on the network, so nothing can be learned from it")
        losses.mean().backward()  # type: ignore[no-untyped-call]
        self.optimiser.zero_grad(set_to_none=True)
        return losses.detach()

    def update(self, batch: Batch) -> Tensor:
        """Move the weights by the gradient of the mean loss, and give that loss."""
        loss = self.losses(self.network, batch).mean()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.clip_gradient()
        self.optimiser.step()
        return loss.detach()

    def losses(self, network: Network, batch: Batch) -> Tensor:
        """Give the method's losses, (B,), by its Lagrange multipliers as they are."""
        multipliers = {name: logarithm.exp() for name, logarithm in self.logarithms.items()}
        return self.method.loss(network, replace(batch, multipliers=multipliers), self.rng, self.progress)

    def clip_gradient(self) -> None:
        """Shorten the network's gradient to ``CLIP_RATIO`` times its usual length, if it is longer."""
        length = get_total_norm([weight.grad for weight in self.net.parameters() if weight.grad is not None])
        usual = torch.where(self.mean_gradient_norm.isnan(), length, self.mean_gradient_norm)
        ratio = length / usual.clamp(min=torch.finfo(usual.dtype).tiny)
        clip_grads_with_norm_(self.net.parameters(), CLIP_RATIO, ratio)
        self.mean_gradient_norm.copy_(usual.lerp(length.minimum(CLIP_RATIO * usual), 1 - MEMORY))

    def state(self) -> dict[str, Tensor]:
        """Give all that the next step depends on, by name, copied to the CPU; it waits for the device."""
        state = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        state |= {f"multiplier.{name}": value for name, value in self.logarithms.items()}
        for name, parameter in self._parameters():
            moments = self.optimiser.state[parameter]
            state |= {f"adam.{name}.{moment}": value for moment, value in moments.items()}
        state["mean_gradient_norm"] = self.mean_gradient_norm
        return {name: value.detach().to("cpu", copy=True) for name, value in state.items()}

    def restore(self, state: dict[str, Tensor], step: int) -> None:
        """Go on from the state after so many steps; the next ones are as if there had been no break.

        Raises:
            TrainingError: the state is of another network or method.
        """
        wanted = {f"net.{name}" for name in self.net.state_dict()} | {"mean_gradient_norm"}
        wanted |= {f"multiplier.{name}" for name in self.logarithms}
        wanted |= {f"adam.{name}.{moment}" for name, _ in self._parameters() for moment in MOMENTS}
        if wanted != set(state):
            other = ", ".join(sorted(wanted ^ set(state))[:3])
            raise TrainingError(f"the checkpoint is of another network or method: they differ in {other}")
        self.net.load_state_dict({name: state[f"net.{name}"] for name in self.net.state_dict()})
        with torch.no_grad():
            for name, logarithm in self.logarithms.items():
                logarithm.copy_(state[f"multiplier.{name}"])
        for name, parameter in self._parameters():
            for moment in MOMENTS:
                stored = state[f"adam.{name}.{moment}"]
                # Like the parameter in its layout too, on which the order of sums may depend.
                own = torch.zeros((), device=parameter.device) if moment == "step" else parameter.detach()
                self.optimiser.state[parameter][moment] = torch.empty_like(own).copy_(stored)
        self.mean_gradient_norm.copy_(state["mean_gradient_norm"])
        # The schedule's own count begins at 1, at which it would look for a step of the optimiser.
        so_far = {"last_epoch": step - 1, "_step_count": step + 1}
        self.schedule.load_state_dict(self.schedule.state_dict() | so_far)
        self.schedule.step()

    def _parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Name all that the optimiser moves."""
        yield from self.net.named_parameters()
        yield from ((f"multiplier {name}", value) for name, value in self.logarithms.items())

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step; reading it waits for the device."""
        return float(self.optimiser.param_groups[0]["lr"])
