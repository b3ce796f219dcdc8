"""The optimisers of a training step, with the schedule of their learning rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from timm.optim.muon import Muon
from torch.optim import Adam
from torch.optim.lr_scheduler import OneCycleLR

from bench.protocol import LEARNING_RATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor
    from torch.optim import Optimizer

    from bench.protocol import OptimiserName
    from bench.training.unet import UNet

BETAS = (0.9, 0.99)
"""Decay rates of Adam's two moments, per step."""
MOMENTUM = 0.95
"""Decay rate of Muon's mean gradient, per step."""
WEIGHT_DECAY = 0.1
"""A step of Muon first shrinks kernels by this fraction of the learning rate, or they grow without bound."""
WARM_UP = 0.1
"""Fraction of the steps in which the learning rates rise."""
MULTIPLIER_RATE = 20.0
"""Learning rate of the logarithms of Lagrange multipliers, relative to Adam's of the network."""

OUTER_LAYERS = ("entry.", "exit.")
"""Prefixes of the parameters of the U-Net's first and last convolution."""

STATE: dict[type[Optimizer], tuple[str, ...]] = {
    Adam: ("step", "exp_avg", "exp_avg_sq"),
    Muon: ("momentum_buffer",),
}
"""Tensors that an optimiser keeps for each parameter."""


class Optimiser:
    """Adam, or Muon for inner kernels and Adam for everything else, with a one-cycle cosine schedule.

    Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) replaces the mean gradient
    of a kernel, flattened to a matrix, by the nearest semi-orthogonal matrix. As its author advises, biases
    and the first and last layers are trained by Adam, at the peak learning rate that it has without Muon.

    The logarithms of Lagrange multipliers are trained by Adam, uphill.

    Args:
        name: ``muon`` or ``adam``.
        net: network on ``device``.
        log_multipliers: logarithms of the Lagrange multipliers, by name.
        learning_rate: peak learning rate of the optimiser called ``name``.
        steps: number of steps of the schedule.
        device: device of all parameters.
    """

    def __init__(
        self,
        name: OptimiserName,
        net: UNet,
        log_multipliers: dict[str, Tensor],
        *,
        learning_rate: float,
        steps: int,
        device: torch.device,
    ) -> None:
        weights: dict[str, Tensor] = dict(net.named_parameters())
        inner = inner_kernels(weights) if name == "muon" else {}
        rest = {key: weight for key, weight in weights.items() if key not in inner}
        adam_rate = LEARNING_RATES["adam"] if inner else learning_rate
        on_cuda = device.type == "cuda"
        self.names = {weight: f"net.{key}" for key, weight in weights.items()}
        self.names |= {value: f"multiplier.{key}" for key, value in log_multipliers.items()}
        self.optimisers: list[Optimizer] = []
        peaks = [[adam_rate, MULTIPLIER_RATE * adam_rate]]
        if inner:
            peaks.insert(0, [learning_rate])
            kernels = [_group(inner, learning_rate, device)]
            muon = Muon(
                kernels,
                momentum=MOMENTUM,
                nesterov=True,
                weight_decay=WEIGHT_DECAY,
                adjust_lr_fn="original",
                capturable=on_cuda,
            )
            self.optimisers.append(muon)
        descent, ascent = (
            _group(part, rate, device) for part, rate in zip((rest, log_multipliers), peaks[-1], strict=True)
        )
        groups = [descent, ascent | {"maximize": True}]
        self.optimisers.append(Adam(groups, betas=BETAS, fused=True, capturable=on_cuda))
        self.schedules = [
            _one_cycle(optimiser, rates, steps)
            for optimiser, rates in zip(self.optimisers, peaks, strict=True)
        ]

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step; reading it waits for the device."""
        return float(self.optimisers[0].param_groups[0]["lr"])

    def zero_grad(self) -> None:
        """Drop all gradients."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)

    def step(self) -> None:
        """Update all parameters with their gradients."""
        for optimiser in self.optimisers:
            optimiser.step()

    def advance_schedule(self) -> None:
        """Set the learning rates of the next step."""
        for schedule in self.schedules:
            schedule.step()

    def state(self) -> dict[str, Tensor]:
        """Return all tensors of the optimisers, by name."""
        return {
            name: optimiser.state[parameter][key] for name, optimiser, parameter, key in self._state_entries()
        }

    def state_names(self) -> set[str]:
        """Return the names of the tensors in ``state``, also before the first step."""
        return {name for name, *_ in self._state_entries()}

    def restore(self, state: dict[str, Tensor], step: int) -> None:
        """Continue from the tensors of ``state``, after ``step`` steps."""
        for name, optimiser, parameter, key in self._state_entries():
            # In the memory layout of the parameter, on which the order of sums may depend.
            own = torch.zeros((), device=parameter.device) if key == "step" else parameter.detach()
            optimiser.state[parameter][key] = torch.empty_like(own).copy_(state[name])
        for schedule in self.schedules:
            # Its own counter starts at 1, at which it expects an optimiser step.
            so_far = {"last_epoch": step - 1, "_step_count": step + 1}
            schedule.load_state_dict(schedule.state_dict() | so_far)
        self.advance_schedule()

    def _state_entries(self) -> Iterator[tuple[str, Optimizer, Tensor, str]]:
        """Iterate over all stored tensors: name, optimiser, parameter, and key in the optimiser's state."""
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                for parameter in group["params"]:
                    for key in STATE[type(optimiser)]:
                        yield f"optimiser.{self.names[parameter]}.{key}", optimiser, parameter, key


def inner_kernels(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Select the kernels of all convolutions except the first and the last."""
    return {
        name: weight
        for name, weight in weights.items()
        if weight.ndim == 4 and not name.startswith(OUTER_LAYERS)
    }


def _group(parameters: dict[str, Tensor], rate: float, device: torch.device) -> dict[str, Any]:
    # A tensor on CUDA, because a captured step reads its learning rate from the device each time.
    lr = torch.tensor(rate, device=device) if device.type == "cuda" else rate
    return {"params": list(parameters.values()), "lr": lr}


def _one_cycle(optimiser: Optimizer, peaks: list[float], steps: int) -> OneCycleLR:
    warm_up = max(WARM_UP, 2 / (steps + 1))  # at least one step
    return OneCycleLR(optimiser, peaks, total_steps=steps + 1, pct_start=warm_up, cycle_momentum=False)
