"""Devices: which are there, what arithmetic they have, and what to record of them."""

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

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h
CPU_FACTS = Path("/proc/cpuinfo")


def open_device(name: str) -> torch.device:
    """Open a device by name; ``auto`` takes CUDA, else MPS, else the CPU.

    The host is tuned too: torch takes as many threads as the process has physical cores, unless
    OMP_NUM_THREADS says how many, and freed memory is kept for the next step.

    Raises:
        InputError: the name is no device, or that device is not there.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        # torch counts the cores of the machine; a container may have been given fewer.
        torch.set_num_threads(joblib.cpu_count(only_physical_cores=True))
    _keep_freed_memory()
    there = available()
    if name == "auto":
        return torch.device(there[0])
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"{name!r} is no device; this machine has: {', '.join(there)}, or auto") from error
    if str(device) not in there and name not in there:
        raise InputError(f"the device {name!r} is not there; this machine has: {', '.join(there)}, or auto")
    return device


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch take ``count`` threads for a while, where the process may use as many cores."""
    before = torch.get_num_threads()
    if count <= joblib.cpu_count():
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _keep_freed_memory() -> None:
    """Let glibc keep the large blocks that a step frees, instead of giving them back to the system.

    Each step would else fault them in anew, page by page, for a tenth of its time. Other C libraries have no
    ``mallopt`` and are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def available() -> list[str]:
    """List the devices of this machine, the fastest first."""
    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*(["cuda"] if cuda else []), *cuda, *mps, "cpu"]


SHARE_FOR_IMAGES = 0.5
"""Of a device's free memory; the rest is for the network's features."""


def holds(device: torch.device, size: int) -> bool:
    """Tell whether a device has room for ``size`` bytes of training images beside the training itself."""
    if device.type != "cuda":
        return True  # host memory holds them already, and so does that of MPS, which shares it
    free, _ = torch.cuda.mem_get_info(device)
    return size <= SHARE_FOR_IMAGES * free


def reset_peak_memory(device: torch.device) -> None:
    """Begin to watch how much memory tensors take, where the device counts it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> int | None:
    """Give the most bytes that tensors took since the reset; None where the device does not count them."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def synchronise(device: torch.device) -> None:
    """Wait until a device has finished, so that a clock can be read."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def describe(device: torch.device) -> dict[str, Any]:
    """Describe the hardware of a run, for its ``run.json``."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "device": str(device),
        "name": name,
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def _processor() -> str:
    name = platform.processor() or platform.machine()
    if CPU_FACTS.is_file():  # Linux, where `platform` knows the architecture alone
        names = re.findall(r"^model name\s*: (.+)$", CPU_FACTS.read_text(encoding="utf-8"), re.MULTILINE)
        name = names[0] if names else name
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"
