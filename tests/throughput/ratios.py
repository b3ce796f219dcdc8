"""Ratios of the time of a step to that of the bare network step, measured in turn within one run."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench.system.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

WARM_UP = 3


def seconds_in_turn(
    workloads: dict[str, Callable[[], object]], *, rounds: int, device: torch.device
) -> dict[str, list[float]]:
    """Time workloads in turn, so that a machine that slows down slows them all alike."""
    times: dict[str, list[float]] = {name: [] for name in workloads}
    for number in range(WARM_UP + rounds):
        for name, workload in workloads.items():
            clock = Stopwatch(device)
            workload()
            seconds = clock.seconds
            if number >= WARM_UP:
                times[name].append(seconds)
    return times


def ratios_to(reference: str, times: dict[str, list[float]]) -> dict[str, float]:
    """Return the median, over the rounds, of each workload's ratio to the reference in the same round."""
    return {
        name: median(own / bare for own, bare in zip(seconds, times[reference], strict=True))
        for name, seconds in times.items()
        if name != reference
    }
