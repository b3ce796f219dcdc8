"""Prefetching: cut patches in host memory and copy them while the accelerator computes."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Copied = tuple[dict[str, Tensor], torch.cuda.Event]


class Prefetcher:
    """Returns the tensors of a step on the device, and prepares those of the next step in the background.

    Args:
        cut: function that returns the tensors of a step in host memory.
        device: a CUDA device.
    """

    def __init__(self, cut: Callable[[int], dict[str, Tensor]], device: torch.device) -> None:
        self.cut = cut
        self.device = device
        self.copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self.worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prefetch")
        self.ahead: dict[int, Future[Copied]] = {}

    def __call__(self, step: int) -> dict[str, Tensor]:
        """Return the tensors of a step; the next call should be for the following step."""
        ready = self.ahead.pop(step, None) or self.worker.submit(self._fetch, step)
        tensors, copied = ready.result()
        self.ahead = {step + 1: self.worker.submit(self._fetch, step + 1)}
        now = torch.cuda.current_stream(self.device)
        now.wait_event(copied)
        for tensor in tensors.values():
            # Their memory belongs to the copying stream, which must not reuse it before the current stream is
            # done.
            tensor.record_stream(now)
        return tensors

    def _fetch(self, step: int) -> Copied:
        with torch.cuda.stream(self.copies):
            tensors = {
                name: values.pin_memory().to(self.device, non_blocking=True)
                for name, values in self.cut(step).items()
            }
            return tensors, self.copies.record_event()
