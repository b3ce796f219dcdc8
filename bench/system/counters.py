"""Count the operations, bytes, memory and energy of a computation."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from bench.system.devices import peak_memory, reset_peak_memory, synchronise

if TYPE_CHECKING:
    from collections.abc import Callable

ENERGY_COUNTERS = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Work:
    """The minimum work of a computation.

    Args:
        flops: floating-point operations of its convolutions and matrix products.
        bytes: bytes that these read and write, each once; operations between them could be fused into them.
    """

    flops: int
    bytes: int


def count_work(computation: Callable[[], object]) -> Work:
    """Run a computation once and count its work."""
    with FlopCounterMode(display=False) as flops, _ByteCounter() as traffic:
        computation()
    return Work(flops.get_total_flops(), traffic.bytes)


class _ByteCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the tensors that convolutions and matrix products read and write."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = operation(*args, **(kwargs or {}))
        if operation.overloadpacket in flop_registry:
            tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, torch.Tensor)]
            self.bytes += sum(tensor.nbytes for tensor in tensors)
        return result


def count_memory(computation: Callable[[], object], device: torch.device) -> int | None:
    """Measure the peak memory of a computation in bytes, in addition to what was held before.

    Returns:
        None if the device does not count them (MPS).
    """
    if device.type == "cpu":
        return _peak_on_cpu(computation)
    reset_peak_memory(device)
    before = peak_memory(device)
    computation()
    after = peak_memory(device)
    return None if before is None or after is None else after - before


def _peak_on_cpu(computation: Callable[[], object]) -> int:
    with quiet_profiler(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        computation()
    assert profiler.profiler is not None  # noqa: S101 - for the type checker
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    live = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak


def quiet_profiler(**options: Any) -> profile:
    """Create a torch profiler that writes no log to the terminal."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "9")
    return profile(acc_events=True, **options)  # else older versions warn about dropped cycles


def count_joules(computation: Callable[[], object], device: torch.device) -> float | None:
    """Measure the energy of a computation in joules; None if the device does not report it.

    An NVIDIA GPU reports its energy through NVML (package nvidia-ml-py), a CPU that of its sockets through
    RAPL, if it may be read.
    """

    def read() -> float | None:
        synchronise(device)
        return _nvml_joules(device) if device.type == "cuda" else _rapl_joules()

    before = read()
    computation()
    after = read()
    return None if before is None or after is None or after < before else after - before


def _nvml_joules(device: torch.device) -> float | None:
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3
    except pynvml.NVMLError:
        return None


def _rapl_joules() -> float | None:
    sockets = [*ENERGY_COUNTERS.glob("intel-rapl:[0-9]/energy_uj")]
    try:
        return sum(int(path.read_text()) for path in sockets) / 1e6 if sockets else None
    except PermissionError:
        return None
