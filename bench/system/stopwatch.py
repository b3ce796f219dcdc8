"""A stopwatch that waits for the device, and can be paused."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.system.devices import synchronise

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch


class Stopwatch:
    """Counts the seconds since its creation, without those while it was paused; made and read by one thread.

    Args:
        device: the device whose pending work it waits for.
        earlier: seconds to start from.
    """

    def __init__(self, device: torch.device, *, earlier: float = 0.0) -> None:
        self.device = device
        self.earlier = earlier
        synchronise(device)
        self.since = time.perf_counter() - earlier
        self.busy_since = time.thread_time()

    @property
    def seconds(self) -> float:
        """The seconds of finished work; reading them waits for the device."""
        synchronise(self.device)
        return time.perf_counter() - self.since

    @property
    def core_share(self) -> float | None:
        """The share of a core that the thread had since the creation, without pauses.

        A thread that computes all the time has a share of 1, less if others took turns on its core. None on
        other devices than CPUs, where it waits, and after no time at all.
        """
        seconds = self.seconds - self.earlier
        if self.device.type != "cpu" or not seconds:
            return None
        return (time.thread_time() - self.busy_since) / seconds

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Pause the stopwatch during this block."""
        before, busy = self.seconds, time.thread_time() - self.busy_since
        yield
        synchronise(self.device)
        self.since = time.perf_counter() - before
        self.busy_since = time.thread_time() - busy
