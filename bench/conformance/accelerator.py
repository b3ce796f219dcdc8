"""A simulated accelerator: its tensors have a device and a shape, but no values."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
    UnsupportedOperatorException,
)
from torch.func import functional_call

from bench.method import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from bench.method import Network

ACCELERATOR = torch.device("cuda", 0)


class ValueReadError(Exception):
    """A computation read a value, for which it would have to wait for a real accelerator."""


class NoShapeError(Exception):
    """An operation, named in the message, cannot infer the shape of its result without computing it."""


class Generator(torch.Generator):
    """A generator that claims to be on the accelerator."""

    device = ACCELERATOR

    def __new__(cls, _: torch.device = ACCELERATOR) -> Generator:
        """Make one on the host."""
        return super().__new__(cls)


@contextmanager
def simulate_accelerator() -> Iterator[None]:
    """Compute without values in this block, on the accelerator or any other device.

    Raises:
        RuntimeError: an operation joins tensors of two devices.
        ValueReadError: a value was read (``.item()``, ``if``), or a shape depends on values.
        NoShapeError: torch has an operation only for real tensors.
    """
    try:
        with FakeTensorMode(allow_fallback_kernels=False):
            yield
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise ValueReadError(str(error)) from error
    except UnsupportedOperatorException as error:
        raise NoShapeError(str(error.func.overloadpacket)) from error


def to_accelerator(tensor: Tensor) -> Tensor:
    """Return a tensor like this one on the accelerator; only in a ``simulate_accelerator`` block."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=ACCELERATOR)


def network_on_accelerator(net: nn.Module) -> Network:
    """Return a network with its weights on the accelerator, likewise."""
    weights = {name: to_accelerator(weight).requires_grad_() for name, weight in net.named_parameters()}

    def network(image: Tensor) -> Tensor:
        denoised: Tensor = functional_call(net, weights, (image,))
        return denoised

    return network


def batch_on_accelerator(batch: Batch) -> Batch:
    """Return a batch with its images and multipliers on the accelerator, likewise."""
    images = {name: to_accelerator(image) for name, image in batch.images.items()}
    multipliers = {name: to_accelerator(value) for name, value in batch.multipliers.items()}
    return Batch(images, batch.model, multipliers)
