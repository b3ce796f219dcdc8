"""Times one workload of the throughput suite and records what it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bench.system.counters import count_joules, count_memory, count_work
from bench.system.devices import synchronise
from bench.system.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from pytest_benchmark.fixture import BenchmarkFixture

    from bench.profile.workloads import Setting

WARM_UP = 2
METERED = 1.0
"""Seconds of work whose energy is measured, since a GPU updates its counter only a few times a second."""


@dataclass(frozen=True)
class Timer:
    """Times a workload by pytest-benchmark, and records with the times what it is and what it needs."""

    benchmark: BenchmarkFixture
    rounds: int

    def __call__(
        self,
        workload: Callable[[], object],
        setting: Setting,
        *,
        of: str,
        images: int,
        counted: Callable[[], object] | None = None,
        prepare: Callable[[], object] | None = None,
        **about: Any,
    ) -> None:
        """Time a workload.

        Args:
            workload: run once per round.
            setting: where and how large.
            of: the type of workload.
            images: that one round processes.
            counted: does the same work kernel by kernel, so that it can be counted; by default the workload.
            prepare: run before each round, untimed.
            about: what else to record.
        """
        counted, device = counted or workload, setting.device
        before = prepare or (lambda: None)
        before()
        clock = Stopwatch(device)
        workload()
        first = clock.seconds
        joules = None if prepare else _joules(workload, device)
        before()
        work = count_work(counted)
        before()
        memory = count_memory(counted, device)
        self.benchmark.group = f"{of}, {device.type}, {setting.precision}"
        self.benchmark.extra_info |= {
            "of": of,
            **asdict(setting),
            "device": device.type,
            "images": images,
            "flops": work.flops,
            "bytes": work.bytes,
            "peak_bytes": memory,
            "first_seconds": first,
            "joules": joules,
            **about,
        }
        self._time(workload, before, device)

    def _time(
        self, workload: Callable[[], object], before: Callable[[], object], device: torch.device
    ) -> None:
        def begin() -> None:
            before()
            synchronise(device)

        def finish() -> None:
            workload()
            synchronise(device)

        self.benchmark.pedantic(finish, setup=begin, rounds=self.rounds, warmup_rounds=WARM_UP, iterations=1)


def _joules(workload: Callable[[], object], device: torch.device) -> float | None:
    clock = Stopwatch(device)
    if count_joules(workload, device) is None:
        return None
    times = max(1, round(METERED / clock.seconds))
    joules = count_joules(lambda: [workload() for _ in range(times)], device)
    return None if joules is None else joules / times
