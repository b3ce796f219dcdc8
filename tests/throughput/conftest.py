"""Options and fixtures of the throughput suite: `pytest tests/throughput --benchmark-json=FILE`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.profile.workloads import Setting
from bench.system.devices import describe, open_device
from bench.system.provenance import commit, versions
from tests.throughput.timer import Timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

    from bench.settings import Precision

ROUNDS = 7


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
    """Record what determines the speed, not the name of the machine."""
    machine_info.clear()
    machine_info |= describe(open_device(config.getoption("device"))) | {
        "versions": versions(),
        "commit": commit(),
    }


@pytest.fixture(scope="session")
def setting_of(request: pytest.FixtureRequest) -> Callable[..., Setting]:
    """Return a function from the lowest stable precision of a method, and from sizes, to the setting."""
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


@pytest.fixture
def timed(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Timer:
    return Timer(benchmark, request.config.getoption("rounds"))
