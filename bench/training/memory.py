"""Memory: whether a step of training fits, and which batch would where it does not."""

from __future__ import annotations

import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import torch

from bench.errors import InputError
from bench.system.counters import count_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.method import Batch
    from bench.training.step import Step

SAMPLED = 8
"""A step is measured on a batch this many times smaller, and on half of that."""

MOST = 400
"""Bytes that a step takes at most for each pixel and each channel of the network's width: ten passes of it.
Measuring takes longer than a small step, and is for steps that may not fit."""

SAID = ("out of memory", "can't allocate memory", "could not create a primitive", "std::bad_alloc")
"""What torch and its libraries say of it; the third is oneDNN's, of what it has no room to prepare."""

CONTROL_GROUP = Path("/sys/fs/cgroup")


class OutOfMemoryError(InputError):
    """A training for which the memory does not suffice; the message says what would."""


@contextmanager
def room_for(step: Step, batch: Batch, device: torch.device) -> Iterator[None]:
    """Train in this block, on batches like this one, or say what would fit.

    Raises:
        OutOfMemoryError: the memory does not suffice. Where the host's is far too small, this is found before
            anything is trained, for the system would else end the process without a word.
    """
    needed = None
    try:
        if device.type == "cpu" and _may_need(step, batch) > free_memory(device):
            needed = need_of(step, batch, device)
        if needed and needed > free_memory(device):
            safe = (count for count in _smaller(batch) if _is_safe(step, batch.first(count), device))
            raise OutOfMemoryError(f"{_needs(batch, needed)}; {_advice(step, batch, safe)}")
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_about_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold the tensors of the step that failed
        raise OutOfMemoryError(f"{_needs(batch, needed)}; {_advice(step, batch, _smaller(batch))}") from None


def need_of(step: Step, batch: Batch, device: torch.device) -> int | None:
    """Estimate the bytes that the tensors of a step take at a time, from steps on a part of the batch.

    Libraries may take more than as much again for themselves, in bfloat16 above all.

    Returns:
        None where the device does not count its memory.
    """
    more = min(batch.size, max(4, batch.size // SAMPLED))
    few = max(1, more // 2)
    of_few, of_more = (_take(step, batch, count, device) for count in (few, more))
    if of_few is None or of_more is None:
        return None
    each = (of_more - of_few) / (more - few) if more > few else of_more
    return int(of_more + (batch.size - more) * each)


def free_memory(device: torch.device) -> int:
    """Give the bytes that tensors may still take; on the host, as system, container and limits leave them."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(0, min([psutil.virtual_memory().available, *_limits()]))


def _may_need(step: Step, batch: Batch) -> int:
    """Bound the bytes of a step from above, roughly."""
    image = next(iter(batch.images.values()))
    return batch.size * image.shape[-2] * image.shape[-1] * step.net.width * MOST


def _take(step: Step, batch: Batch, count: int, device: torch.device) -> int | None:
    return count_memory(lambda: step.dry_run(batch.first(count)), device)


def _needs(batch: Batch, needed: int | None) -> str:
    takes = f" takes at least {needed / 2**30:.2f} GiB, which" if needed else ""
    return f"out of memory: a step on {batch.size} patches{takes} is more than there is"


def _smaller(batch: Batch) -> Iterator[int]:
    """Halve the batch again and again."""
    count = batch.size
    while count := count // 2:
        yield count


def _is_safe(step: Step, batch: Batch, device: torch.device) -> bool:
    """Tell whether a step may be tried without the system ending the process for it."""
    needed = need_of(step, batch, device)
    return needed is not None and 4 * needed < free_memory(device)


def _advice(step: Step, batch: Batch, counts: Iterator[int]) -> str:
    """Try a step on fewer and fewer patches, and name a batch that fits."""
    for count in counts:
        try:
            step.dry_run(batch.first(count))
        except (MemoryError, RuntimeError) as error:
            if not _is_about_memory(error):
                raise
            traceback.clear_frames(error.__traceback__)
        else:
            # Half of it, for what a training holds beside its steps.
            return f"--batch {max(1, count // 2)} would fit, as another experiment, with results of its own"
    return "not even one patch fits; take a smaller --patch or --width"


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
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(words in said for words in SAID)
