"""Out-of-memory errors that suggest a batch size that would fit."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from bench.errors import InputError
from bench.system.counters import count_memory
from bench.system.host_memory import available_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.method import Batch
    from bench.training.step import Step

CPU = torch.device("cpu")
UPPER_BOUND = 400
"""Upper bound of a step's bytes per pixel and channel of the network's width (ten passes)."""
MARGIN = 4
"""Safety factor: libraries allocate up to as much again as a step's tensors; the rest is for all else."""
CPU_MESSAGES = ("can't allocate memory", "could not create a primitive", "std::bad_alloc")
"""On a CPU, torch and oneDNN raise a plain RuntimeError, which only its text distinguishes from others."""


class OutOfMemoryError(InputError):
    """A training step does not fit in memory; the message suggests a batch size that would."""


@contextmanager
def out_of_memory_advice(step: Step, batch: Batch, device: torch.device) -> Iterator[None]:
    """Train in this block, on batches like this one; if memory runs out, suggest a batch size that fits.

    Raises:
        OutOfMemoryError: there is not enough memory. On a CPU this is checked before the first step, because
            the system would kill the process without a message.
    """
    if device.type == "cpu":
        _require_memory(step, batch)
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # these frames hold the tensors of the failed step
        # Twice the patches, since a training run holds more than its steps.
        advice = _advice(step, batch.size, lambda count: _can_run(step, batch.first(2 * count)))
        raise OutOfMemoryError(
            f"out of memory: a step on {batch.size} patches does not fit; {advice}"
        ) from None


def _require_memory(step: Step, batch: Batch) -> None:
    available = available_memory()
    if _upper_bound(step, batch) <= available:
        return
    few, more = batch.first(2), batch.first(4)
    of_few, of_more = _bytes_of(step, few), _bytes_of(step, more)
    each = (of_more - of_few) // max(1, more.size - few.size)

    def needed(count: int) -> int:
        return of_more + (count - more.size) * each

    if needed(batch.size) > available:
        advice = _advice(step, batch.size, lambda count: MARGIN * needed(count) <= available)
        raise OutOfMemoryError(
            f"out of memory: a step on {batch.size} patches needs {needed(batch.size) / 2**30:.2f} GiB, but "
            f"{available / 2**30:.2f} GiB are available; {advice}"
        )


def _upper_bound(step: Step, batch: Batch) -> int:
    image = next(iter(batch.images.values()))
    return UPPER_BOUND * step.net.width * batch.size * image.shape[-2] * image.shape[-1]


def _bytes_of(step: Step, batch: Batch) -> int:
    return count_memory(lambda: step.dry_run(batch), CPU) or 0


def _can_run(step: Step, batch: Batch) -> bool:
    try:
        step.dry_run(batch)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)
        return False
    return True


def is_out_of_memory(error: Exception) -> bool:
    """Check whether an error says that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(message in str(error) for message in CPU_MESSAGES)


def _advice(step: Step, size: int, fits: Callable[[int], bool]) -> str:
    """Halve the number of patches until it is sure to fit, and name the batch size of the recipe."""
    while size := size // 2:
        if fits(size):
            batch = size * step.method.patch_scale
            return f"--batch {batch} would fit, as another experiment with its own results"
    return "no smaller batch is sure to fit; use a smaller --patch or --width"
