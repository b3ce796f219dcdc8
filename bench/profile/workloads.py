"""The workloads that a throughput profile times, from a bare network step to a whole training step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from bench.images.sources import open_set
from bench.noise import Gaussian
from bench.settings import DEFAULT_OPTIMISER
from bench.system.devices import open_device
from bench.training.engine import Engine, make_step, resolve_engine
from bench.training.optimiser import Optimiser
from bench.training.patches import Patches, Sampling
from bench.training.precision import disable_tf32, in_precision, resolve_precision
from bench.training.unet import UNet

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from bench.method import Method, Need
    from bench.settings import Precision
    from bench.training.step import Step

    Workload = Callable[[], object]

STEPS = 10_000
"""Length of the training run whose steps are timed; no timing takes as many."""

COPIED = 2**26
"""Number of floats in 256 MiB, more than any cache holds."""

COPIES = 10
"""Repetitions per round, enough to make the launch overhead negligible."""


@dataclass(frozen=True)
class Setting:
    """Device, arithmetic and sizes of the workloads.

    Args:
        device: the device to compute on.
        precision: precision of the network's arithmetic.
        engine: engine that launches the steps.
        width: width of the U-Net.
        batch: patches per step.
        patch: side of a patch, in pixels.
    """

    device: torch.device
    precision: Precision
    engine: Engine
    width: int
    batch: int
    patch: int

    @classmethod
    def resolve(
        cls,
        *,
        device: str,
        precision: Literal["auto", "float32", "bfloat16"],
        engine: Literal["auto", "eager", "graph", "compile"],
        lowest: Precision,
        **sizes: int,
    ) -> Setting:
        """Open a device, and resolve ``auto`` as a run does.

        Args:
            device: its name, or ``auto``.
            precision: precision of the network's arithmetic.
            engine: engine that launches the steps.
            lowest: the lowest precision that the method supports.
            sizes: width, batch and patch.

        Raises:
            InputError: the device is missing, or does not support the request.
        """
        opened = open_device(device)
        arithmetic = resolve_precision(precision, lowest=lowest, device=opened)
        return cls(opened, arithmetic, resolve_engine(engine, opened), **sizes)


def copy(setting: Setting) -> Workload:
    """Copy 256 MiB a few times, to measure the memory bandwidth."""
    source = torch.rand(COPIED, device=setting.device)
    target = torch.empty_like(source)
    return lambda: [target.copy_(source) for _ in range(COPIES)]


def product(setting: Setting, *, side: int) -> Workload:
    """Multiply two square matrices, to measure the arithmetic rate."""
    kind = torch.bfloat16 if setting.precision == "bfloat16" else torch.float32
    left, right = (torch.rand(side, side, device=setting.device, dtype=kind) for _ in range(2))
    return lambda: left @ right


class BareStep:
    """Steps of network and optimiser alone, on a fixed tensor with a plain loss: what all runs share.

    Args:
        setting: device and sizes; steps are always launched kernel by kernel.
    """

    def __init__(self, setting: Setting) -> None:
        self.net = _net(setting)
        self.network = in_precision(self.net, setting.precision, setting.device)
        name, learning_rate, _ = DEFAULT_OPTIMISER
        self.optimiser = Optimiser(
            name, self.net, {}, learning_rate=learning_rate, steps=STEPS, device=setting.device
        )
        self.image = torch.rand(setting.batch, 1, setting.patch, setting.patch, device=setting.device)

    def __call__(self) -> None:
        """Take a step."""
        self.forward()
        self.clear()
        self.backward()
        self.update()

    def forward(self) -> None:
        """Compute the loss."""
        self.loss = (self.network(self.image) - 0.9 * self.image).square().mean()

    def clear(self) -> None:
        """Clear the gradients."""
        self.optimiser.zero_grad()

    def backward(self) -> None:
        """Compute the gradients of the loss."""
        self.loss.backward()  # type: ignore[no-untyped-call]

    def update(self) -> None:
        """Update the weights."""
        self.optimiser.step()

    def counted(self) -> None:
        """Do the work of the network alone, which is what operation counts are about."""
        self.forward()
        self.clear()
        self.backward()

    def forward_again(self) -> None:
        """Prepare for ``backward``, which can run once per loss."""
        self.clear()
        self.forward()


class TrainingStep:
    """The steps of a training run under Gaussian noise, including its patches.

    Args:
        method: the method to train.
        setting: device and sizes.
    """

    def __init__(self, method: Method, setting: Setting) -> None:
        self.patches = patches(setting, needs=method.needs, scale=method.patch_scale)
        self.step: Step = make_step(
            _net(setting),
            method,
            sampling=self.patches.sampling,
            precision=setting.precision,
            device=setting.device,
            engine=setting.engine,
        )
        self.done = 0

    def __call__(self) -> Tensor:
        """Take the next step and return its loss."""
        loss = self.step(self.done, self.patches(self.done))
        self.done += 1
        return loss

    def counted(self) -> Tensor:
        """Do the same work kernel by kernel, so that it can be counted; no weight changes."""
        return self.step.dry_run(self.patches(0))


def patches(setting: Setting, *, needs: frozenset[Need], scale: int = 1) -> Patches:
    """Open training patches of the embedded photographs under Gaussian noise."""
    sampling = Sampling(STEPS, setting.batch, setting.patch, seed=0).scaled(scale)
    images = open_set("embedded-train", channels=1)
    return Patches(images, Gaussian(25), needs=needs, sampling=sampling, device=setting.device)


def inference(method: Method, setting: Setting, *, side: int) -> Workload:
    """Denoise one square image."""
    network = in_precision(_net(setting).eval(), "float32", setting.device)
    noisy = torch.rand(1, 1, side, side, device=setting.device)
    noise = Gaussian(25) if "noise" in method.needs else None

    @torch.inference_mode()
    def denoise() -> Tensor:
        return method.denoise(network, noisy, noise)

    return denoise


def _net(setting: Setting) -> UNet:
    disable_tf32()  # as in every training run; otherwise ratios on CUDA would compare it with TF32
    net = UNet(1, width=setting.width, seed=0).to(setting.device)
    return net.to(memory_format=torch.channels_last)
