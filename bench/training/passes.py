"""Count the passes through a network."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn


@dataclass
class Passes:
    """The values of the images that a network processed, and of the outputs whose gradients it computed."""

    forward: int = 0
    backward: int = 0

    def over(self, values: float) -> tuple[float, float]:
        """Return the forward and the backward passes over so many values."""
        return self.forward / values, self.backward / values


@contextmanager
def count_passes(net: nn.Module) -> Iterator[Passes]:
    """Count the passes through a network inside a ``with`` block."""
    passes = Passes()

    def went_back(gradient: Tensor) -> None:
        passes.backward += gradient.numel()

    def went_forward(_: nn.Module, __: Any, output: Tensor) -> None:
        passes.forward += output.numel()
        if output.requires_grad:
            output.register_hook(went_back)  # type: ignore[no-untyped-call]

    handle = net.register_forward_hook(went_forward)
    try:
        yield passes
    finally:
        handle.remove()
