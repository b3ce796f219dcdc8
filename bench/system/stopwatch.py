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
    """Counts the seconds since its creation, without those while it was paused.

    Args:
        device: the device whose pending work it waits for.
        earlier: seconds to start from.
    """

    def __init__(self, device: torch.device, *, earlier: float = 0.0) -> None:
        self.device = device
        synchronise(device)
        self.since = time.perf_counter() - earlier

    @property
    def seconds(self) -> float:
        """The seconds of finished work; reading them waits for the device."""
        synchronise(self.device)
        return time.perf_counter() - self.since

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Pause the stopwatch during this block."""
        before = self.seconds
        yield
        synchronise(self.device)
        self.since = time.perf_counter() - before
