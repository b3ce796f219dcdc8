"""Check whether a device's bfloat16 convolutions are right, and not slower than those in float32.

Some matrix units compute them wrongly, and some versions of the libraries take many times as long for them.
"""

from __future__ import annotations

import math
import time
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional

from bench.system.devices import synchronise

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

LARGEST_ERROR = 0.02
"""Largest error, relative to the norm of the float32 result; rounding causes about .005."""
LARGEST_SLOWDOWN = 1.5
"""Largest time relative to float32's; far from 1, so that timing errors do not decide a run's precision."""
ATTEMPTS = 3
REPEATS = 5
CHANNELS, SIDE = 48, 64
BATCHES = {"cuda": 64}
"""Images per type of device, enough to make the launch overhead negligible; 2 on others."""


class Bfloat16Faults(NamedTuple):
    """What is wrong with a device's bfloat16 convolutions, in words; empty if nothing is."""

    wrong: str
    slow: str


@cache
def bfloat16_faults(device: torch.device) -> Bfloat16Faults:
    """Compare a device's bfloat16 convolutions with those in float32, once per process."""
    convolutions = Convolutions(device)
    return judge(largest_error(convolutions), lambda: least_slowdown(convolutions.seconds))


def judge(error: float, slowdown: Callable[[], float]) -> Bfloat16Faults:
    """Describe the faults of convolutions.

    Args:
        error: the relative error of their results; NaN or infinite if they have none.
        slowdown: returns their time relative to float32's; not called if they are wrong.
    """
    if not error <= LARGEST_ERROR:
        found = f"differ from float32's by {error:.1%}" if math.isfinite(error) else "fail or are not finite"
        return Bfloat16Faults(f"{found}, where rounding explains at most {LARGEST_ERROR:.0%}", "")
    if (factor := slowdown()) > LARGEST_SLOWDOWN:
        return Bfloat16Faults("", f"take {factor:.1f} times as long as float32's")
    return Bfloat16Faults("", "")


class Convolutions:
    """A 3x3 and a transposed 4x4 convolution as in the U-Net, forward and backward, in either precision.

    Args:
        device: the device to compute on.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        rng = torch.Generator().manual_seed(0)
        shapes = [
            (BATCHES.get(device.type, 2), CHANNELS, SIDE, SIDE),
            (CHANNELS, CHANNELS, 3, 3),
            (CHANNELS, CHANNELS, 4, 4),
        ]
        self.tensors = [
            torch.randn(shape, generator=rng).to(device, memory_format=torch.channels_last).requires_grad_()
            for shape in shapes
        ]

    def results(self, dtype: torch.dtype) -> list[Tensor]:
        """Return output and gradients, float32."""
        image, weight, spread = self.tensors
        with torch.autocast(self.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
            features = functional.conv2d(image, weight, padding=1)
            output = functional.conv_transpose2d(features, spread, stride=2, padding=1).float()
        # The gradient of a squared error, so that all of its values matter.
        gradients = torch.autograd.grad(output.square().mean(), self.tensors)
        return [output.detach(), *(gradient.float() for gradient in gradients)]

    def seconds(self, dtype: torch.dtype) -> float:
        """Measure the time of a forward and backward pass."""
        synchronise(self.device)
        start = time.perf_counter()
        self.results(dtype)
        synchronise(self.device)
        return time.perf_counter() - start


def largest_error(convolutions: Convolutions) -> float:
    """Return the largest error of output and gradients in bfloat16; infinite if they cannot be computed."""
    exact = convolutions.results(torch.float32)
    try:
        rounded = convolutions.results(torch.bfloat16)
    except RuntimeError:
        return math.inf
    errors = [(one - other).norm() / other.norm() for one, other in zip(rounded, exact, strict=True)]
    return float(torch.stack(errors).nan_to_num(nan=math.inf).max())


def least_slowdown(seconds: Callable[[torch.dtype], float]) -> float:
    """Return the time in bfloat16 relative to that in float32: the least of several attempts.

    An attempt compares the fastest passes, which alternate, so that other work on the machine hardly matters.

    Args:
        seconds: measures a pass in a given type.
    """
    least = math.inf
    for _ in range(ATTEMPTS):
        pairs = [(seconds(torch.float32), seconds(torch.bfloat16)) for _ in range(REPEATS)]
        exact, rounded = (min(times) for times in zip(*pairs, strict=True))
        least = min(least, rounded / exact)
        if least <= LARGEST_SLOWDOWN:
            break
    return least
