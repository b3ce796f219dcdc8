"""Detects which generators a computation draws its random numbers from."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class RngGuard(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the operations of a block that draw from a generator which they must not use.

    Attributes:
        stray_draws: the operations that drew from a generator other than the allowed one or, if none is
            given, from torch's global generator.
    """

    def __init__(self, allowed: torch.Generator | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.allowed = allowed
        self.stray_draws: list[str] = []

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if torch.Tag.nondeterministic_seeded in operation.tags and not self._is_allowed((args, kwargs)):
            self.stray_draws.append(operation.overloadpacket._qualified_op_name.replace("::", "."))  # noqa: SLF001
        return operation(*args, **(kwargs or {}))

    def _is_allowed(self, arguments: Any) -> bool:
        given = [leaf for leaf in tree_leaves(arguments) if isinstance(leaf, torch.Generator)]
        if not given or self.allowed is None:
            return bool(given)
        return _address(given[0]) == _address(self.allowed)


def _address(generator: torch.Generator) -> int:
    """Return the address of a generator, since operations receive it in another Python wrapper."""
    address: int = generator._cdata  # type: ignore[attr-defined]  # noqa: SLF001
    return address


def global_random_states() -> list[object]:
    """Return the states of the global generators of torch, NumPy and Python, for a later comparison."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 - the global state is compared
    return [torch.get_rng_state().tolist(), (name, np.asarray(keys).tolist(), rest), random.getstate()]
