"""Watching a computation: where it draws its random numbers from."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes what the operations of a block do that a loss must not.

    Attributes:
        strays: the operations that drew random numbers from another generator than the allowed one, or, where
            none is named, from torch's global one.
    """

    def __init__(self, allowed: torch.Generator | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.allowed = allowed
        self.strays: list[str] = []

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if torch.Tag.nondeterministic_seeded in operation.tags:
            given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Generator)]
            if not given or (self.allowed is not None and _address(given[0]) != _address(self.allowed)):
                self.strays.append(operation.overloadpacket._qualified_op_name.replace("::", "."))  # noqa: SLF001
        return operation(*args, **(kwargs or {}))


def _address(generator: torch.Generator) -> int:
    """Tell generators apart; an operation is handed the same one in a Python object of its own."""
    address: int = generator._cdata  # type: ignore[attr-defined]  # noqa: SLF001
    return address


def global_random_states() -> list[object]:
    """Give the states of the global generators of torch, NumPy and Python, to compare them later."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 - the global state is what is asked about
    return [torch.get_rng_state().tolist(), (name, np.asarray(keys).tolist(), rest), random.getstate()]
