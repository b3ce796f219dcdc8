"""Engines, which launch training steps eagerly, as a CUDA graph, or compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.errors import InputError
from bench.settings import DEFAULT_OPTIMISER
from bench.training.cuda_graph import CapturedStep
from bench.training.step import Step

if TYPE_CHECKING:
    import torch

    from bench.method import Method
    from bench.settings import OptimiserSettings, Precision
    from bench.training.patches import Sampling
    from bench.training.unet import UNet

Engine = Literal["eager", "graph", "compile"]


def resolve_engine(wanted: Engine | Literal["auto"], device: torch.device) -> Engine:
    """Choose the engine that launches steps; ``auto`` records CUDA graphs on CUDA.

    Args:
        wanted: ``eager`` launches kernel by kernel, ``graph`` all kernels of a step at once (CUDA graphs),
            ``compile`` likewise, with the network's kernels fused by ``torch.compile``.
        device: the device on which the run trains.

    Raises:
        InputError: an engine other than ``eager`` is requested on a device other than CUDA.
    """
    on_cuda = device.type == "cuda"
    if wanted == "auto":
        return "graph" if on_cuda else "eager"
    if wanted != "eager" and not on_cuda:
        raise InputError(f"the engine {wanted!r} needs a CUDA device, not {device.type!r}; use eager or auto")
    return wanted


def make_step(
    net: UNet,
    method: Method,
    *,
    sampling: Sampling,
    precision: Precision,
    device: torch.device,
    engine: Engine,
    optimiser: OptimiserSettings = DEFAULT_OPTIMISER,
) -> Step:
    """Create the step of an engine returned by ``resolve_engine``; see ``Step`` for the other arguments."""
    kind = Step if engine == "eager" else CapturedStep
    return kind(
        net,
        method,
        sampling=sampling,
        precision=precision,
        device=device,
        optimiser=optimiser,
        compiled=engine == "compile",
    )
