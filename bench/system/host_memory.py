"""How much memory this process may still take on the host."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTROL_GROUP = Path("/sys/fs/cgroup")


def available_memory() -> int:
    """Return the bytes that this process may still take, by the system, its container and its own limits."""
    return max(0, min([psutil.virtual_memory().available, *_limits()]))


def _limits() -> Iterator[int]:
    if sys.platform != "win32":
        import resource  # there is none on Windows

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            yield soft - psutil.Process().memory_info().vms
    limit = CONTROL_GROUP / "memory.max"
    if limit.is_file() and (maximum := limit.read_text().strip()).isdecimal():
        yield int(maximum) - int((CONTROL_GROUP / "memory.current").read_text())
