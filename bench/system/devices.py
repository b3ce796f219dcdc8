"""Devices: find and open them, set the process up for them, and describe them."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import torch

from bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

CPU_INFO = Path("/proc/cpuinfo")
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h
SHARE_FOR_IMAGES = 0.5
"""Fraction of a device's free memory for training images; the rest is for the network's features."""


def open_device(name: str) -> torch.device:
    """Open a device by name; ``auto`` takes CUDA, else MPS, else the CPU.

    It also sets up the process: torch gets as many threads as the process has physical cores, unless
    OMP_NUM_THREADS sets their number, and freed memory is kept for the next step.

    Raises:
        InputError: there is no such device, or it is not available.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        # torch counts the cores of the machine, of which a container may have fewer.
        torch.set_num_threads(joblib.cpu_count(only_physical_cores=True))
    _keep_freed_memory()
    devices = available_devices()
    if name == "auto":
        return torch.device(devices[0])
    if name not in devices:
        raise InputError(
            f"the device {name!r} is not available; this machine has: {', '.join(devices)}, or auto"
        )
    return torch.device(name)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use ``count`` threads in this block, if the process has as many cores."""
    before = torch.get_num_threads()
    if count <= joblib.cpu_count():
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _keep_freed_memory() -> None:
    """Let glibc keep freed memory, or page faults take a quarter of the CPU time of a full-width step."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def available_devices() -> list[str]:
    """Return the names of this machine's devices, fastest first."""
    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*(["cuda"] if cuda else []), *cuda, *mps, "cpu"]


def has_room_for_images(device: torch.device, size: int) -> bool:
    """Check whether a device has room for ``size`` bytes of training images in addition to the training."""
    if device.type != "cuda":
        return True  # they are already in host memory, which MPS shares
    free, _ = torch.cuda.mem_get_info(device)
    return size <= SHARE_FOR_IMAGES * free


def reset_peak_memory(device: torch.device) -> None:
    """Reset the peak memory of tensors, if the device counts it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> int | None:
    """Return the peak memory of tensors since the reset, in bytes; None if the device does not count it."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def synchronise(device: torch.device) -> None:
    """Wait until a device has finished its work, so that a clock can be read."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def describe(device: torch.device) -> dict[str, Any]:
    """Describe the hardware of a run, for its ``run.json``."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _cpu_name()
    return {
        "device": str(device),
        "name": name,
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def _cpu_name() -> str:
    name = platform.processor() or platform.machine()
    if CPU_INFO.is_file():  # on Linux `platform` knows only the architecture
        names = re.findall(r"^model name\s*: (.+)$", CPU_INFO.read_text(encoding="utf-8"), re.MULTILINE)
        name = names[0] if names else name
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"
