"""An accelerator that need not be there: its tensors have a device and a shape, but no values."""

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
    """A computation asked for a value, for which a real accelerator would have been waited for."""


class NoShapeError(Exception):
    """An operation, which the message names, does not tell the shape of its result without computing it."""


class Generator(torch.Generator):
    """A generator that says to be the accelerator's."""

    device = ACCELERATOR

    def __new__(cls, _: torch.device = ACCELERATOR) -> Generator:
        """Make one on the host."""
        return super().__new__(cls)


@contextmanager
def pretend() -> Iterator[None]:
    """Compute in this block on the accelerator, or anywhere, without values.

    Raises:
        RuntimeError: an operation joins tensors of two devices.
        ValueReadError: a value was read (``.item()``, ``if``), or a shape depends on values.
        NoShapeError: torch has an operation for real tensors alone.
    """
    try:
        with FakeTensorMode(allow_fallback_kernels=False):
            yield
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise ValueReadError(str(error)) from error
    except UnsupportedOperatorException as error:
        raise NoShapeError(str(error.func.overloadpacket)) from error


def there(tensor: Tensor) -> Tensor:
    """Give a tensor of that shape and type on the accelerator; to be called in a block of ``pretend``."""
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=ACCELERATOR)


def network_there(net: nn.Module) -> Network:
    """Give a network with its weights on the accelerator, likewise."""
    weights = {name: there(weight).requires_grad_() for name, weight in net.named_parameters()}

    def network(image: Tensor) -> Tensor:
        denoised: Tensor = functional_call(net, weights, (image,))
        return denoised

    return network


def batch_there(batch: Batch) -> Batch:
    """Give a batch with its images and multipliers on the accelerator, likewise."""
    images = {name: there(image) for name, image in batch.images.items()}
    return Batch(images, batch.model, {name: there(value) for name, value in batch.multipliers.items()})
