"""Memory: what a step of training takes, what there is, and which batch would fit where it does not."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import torch

from bench.errors import InputError
from bench.work import count_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.method import Batch
    from bench.step import Step

SHARE = 0.9
"""Of the free memory; the rest is for what libraries take for themselves."""

CONTROL_GROUP = Path("/sys/fs/cgroup")


class OutOfMemoryError(InputError):
    """A training for which the memory does not suffice; the message says what would."""


@dataclass(frozen=True)
class Footprint:
    """The memory that a step takes, beside weights and images.

    Args:
        patches: of a batch.
        first: bytes of a step on one patch.
        further: bytes of each patch more.
    """

    patches: int
    first: int
    further: int

    @classmethod
    def measure(cls, step: Step, batch: Batch, device: torch.device) -> Footprint | None:
        """Measure it on one patch and on two; None where the device does not count its memory."""
        first, two = (count_memory(partial(step.try_out, batch.first(count)), device) for count in (1, 2))
        return None if first is None or two is None else cls(batch.size, first, two - first)

    @property
    def bytes(self) -> int:
        """Of a whole step."""
        return self.first + (self.patches - 1) * self.further

    def fitting(self, room: float) -> int:
        """Give the most patches whose step takes no more than so many bytes."""
        if room < self.first:
            return 0
        return 1 + int((room - self.first) / self.further) if self.further > 0 else self.patches

    def advice(self, device: torch.device) -> str:
        """Say what a step takes, what there is, and what would fit."""
        free = free_memory(device)
        fits = min(self.fitting(SHARE * free), self.patches - 1)
        remedy = f"--batch {fits} would fit" if fits > 0 else "not one patch fits: take a smaller --patch"
        return (
            f"out of memory: a step on {self.patches} patches takes about {_gigabytes(self.bytes)}, of which "
            f"{device} has {_gigabytes(free)} free; {remedy}, or a smaller --width, each being another "
            "experiment, with results of its own"
        )


@contextmanager
def room_for(step: Step, batch: Batch, device: torch.device) -> Iterator[None]:
    """Train in this block, on batches like this one, or say what would fit.

    Raises:
        OutOfMemoryError: the memory does not suffice. Of the host's this is found before anything is trained,
            for the system would else end the process without a word.
    """
    footprint = Footprint.measure(step, batch, device)
    if footprint and device.type == "cpu" and footprint.bytes > free_memory(device):
        raise OutOfMemoryError(footprint.advice(device))
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if footprint is None or not _is_about_memory(error):
            raise
        raise OutOfMemoryError(footprint.advice(device)) from error


def free_memory(device: torch.device) -> int:
    """Give the bytes that tensors may still take; on the host, as system, container and limits leave them."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(0, min([psutil.virtual_memory().available, *_limits()]))


def _limits() -> Iterator[int]:
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            yield soft - psutil.Process().memory_info().vms
    limit = CONTROL_GROUP / "memory.max"
    if limit.is_file() and (most := limit.read_text().strip()).isdecimal():
        yield int(most) - int((CONTROL_GROUP / "memory.current").read_text())


def _is_about_memory(error: Exception) -> bool:
    said = str(error)
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "out of memory" in said or "can't allocate memory" in said
    )


def _gigabytes(size: float) -> str:
    return f"{size / 2**30:.2f} GiB"
