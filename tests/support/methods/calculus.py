"""Derivatives, integrals and small tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from scipy import integrate
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[[Tensor], Tensor]


def rng_of(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def progress_of(progress: float) -> Tensor:
    return torch.tensor(progress)


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def slope_of(function: Function, at: Tensor) -> Tensor:
    """Differentiate a function of each value by autograd."""
    at = at.detach().requires_grad_()
    return torch.autograd.grad(function(at).sum(), at)[0]


def quadrature(function: Callable[[float], float], low: float, high: float) -> float:
    value, _ = integrate.quad(function, low, high, epsabs=0, epsrel=1e-11, limit=500)
    return value
