"""Options and stopwatch of the throughput suite: `pytest tests/throughput --benchmark-json=FILE`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pytest

from bench.profile.workloads import Setting
from bench.system.counters import count_joules, count_memory, count_work
from bench.system.devices import describe, open_device, synchronise
from bench.system.provenance import commit, versions
from bench.system.stopwatch import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

    from bench.settings import Precision

ROUNDS, WARM_UP = 7, 2
METERED = 1.0
"""Seconds of work over which energy is read, since a GPU updates its counter a few times a second."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("throughput")
    group.addoption("--device", default="auto", help="device: auto, cpu, cuda, cuda:N, mps")
    group.addoption("--precision", default="auto", choices=("auto", "float32", "bfloat16"))
    group.addoption("--engine", default="auto", choices=("auto", "eager", "graph", "compile"))
    group.addoption("--width", type=int, default=16, help="of the U-Net")
    group.addoption("--batch", type=int, default=8, help="patches per step")
    group.addoption("--patch", type=int, default=64, help="side of a patch, pixels")
    group.addoption("--write-ratios", action="store_true", help="commit the ratios that the guard measures")
    group.addoption("--rounds", type=int, default=ROUNDS, help="of each timing, of which the median counts")


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Keep what decides the speed, but not the name of the machine."""
    machine_info.clear()
    machine_info |= describe(open_device(config.getoption("device"))) | {
        "versions": versions(),
        "commit": commit(),
    }


@pytest.fixture(scope="session")
def setting_of(request: pytest.FixtureRequest) -> Callable[..., Setting]:
    """Return a function that resolves a setting, from a method's lowest precision and other sizes."""
    option = request.config.getoption

    def make(lowest: Precision = "bfloat16", **sizes: int) -> Setting:
        return Setting.resolve(
            device=option("device"),
            precision="float32" if lowest == "float32" else option("precision"),
            engine=option("engine"),
            lowest=lowest,
            **{name: sizes.get(name, option(name)) for name in ("width", "batch", "patch")},
        )

    return make


@dataclass(frozen=True)
class Timer:
    """Time a workload by pytest-benchmark, and record what it is and what it needs."""

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
            workload: done once per round.
            setting: where and how large.
            of: the kind of workload.
            images: that one round processes.
            counted: does the same work kernel by kernel, so that it can be counted; by default the workload.
            prepare: done before each round, untimed.
            about: what else to record.
        """
        counted, device = counted or workload, setting.device
        if prepare:
            prepare()
        clock = Stopwatch(device)
        workload()
        first = clock.seconds
        joules = None if prepare else self._joules(workload, device)
        prepare = prepare or (lambda: None)

        def begin() -> None:
            prepare()
            synchronise(device)

        prepare()
        work = count_work(counted)
        prepare()
        memory = count_memory(counted, device)

        def finish() -> None:
            workload()
            synchronise(device)

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
        self.benchmark.pedantic(finish, setup=begin, rounds=self.rounds, warmup_rounds=WARM_UP, iterations=1)

    @staticmethod
    def _joules(workload: Callable[[], object], device: Any) -> float | None:
        clock = Stopwatch(device)
        if count_joules(workload, device) is None:
            return None
        times = max(1, round(METERED / clock.seconds))
        joules = count_joules(lambda: [workload() for _ in range(times)], device)
        return None if joules is None else joules / times


@pytest.fixture
def timed(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Timer:
    return Timer(benchmark, request.config.getoption("rounds"))
