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
    """A computation read a value; on a real accelerator it would have to wait."""


class NoShapeError(Exception):
    """Torch cannot infer the result's shape of the operation that the message names without computing it."""


class Generator(torch.Generator):
    """A generator that claims to be on the accelerator."""

    device = ACCELERATOR

    def __new__(cls, _: torch.device = ACCELERATOR) -> Generator:
        """Create a generator on the host."""
        return super().__new__(cls)


@contextmanager
def simulate_accelerator() -> Iterator[None]:
    """Compute on tensors without values in this block, on the accelerator or any other device.

    Raises:
        RuntimeError: an operation combines tensors on two devices.
        ValueReadError: a value was read (``.item()``, ``if``), or a shape depends on values.
        NoShapeError: torch implements an operation only for real tensors.
    """
    try:
        with FakeTensorMode(allow_fallback_kernels=False):
            yield
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise ValueReadError(str(error)) from error
    except UnsupportedOperatorException as error:
        raise NoShapeError(str(error.func.overloadpacket)) from error


def to_accelerator(tensor: Tensor) -> Tensor:
    """Return a tensor like this one on the accelerator; only inside a ``simulate_accelerator`` block."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=ACCELERATOR)


def network_on_accelerator(net: nn.Module) -> Network:
    """Return a network with its weights on the accelerator; only inside such a block."""
    weights = {name: to_accelerator(weight).requires_grad_() for name, weight in net.named_parameters()}

    def network(image: Tensor) -> Tensor:
        denoised: Tensor = functional_call(net, weights, (image,))
        return denoised

    return network


def batch_on_accelerator(batch: Batch) -> Batch:
    """Return a batch with its images and multipliers on the accelerator; only inside such a block."""
    images = {name: to_accelerator(image) for name, image in batch.images.items()}
    multipliers = {name: to_accelerator(value) for name, value in batch.multipliers.items()}
    return Batch(images, batch.model, multipliers)
