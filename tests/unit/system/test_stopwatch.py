"""The stopwatch: what it counts and what it leaves out, by a clock that moves only where a test says so."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch

from bench.system.stopwatch import Stopwatch

CPU = torch.device("cpu")


@dataclass
class Time:
    """A clock, and a device that still has ``pending`` seconds of work before it."""

    now: float = 100.0
    pending: float = 0.0
    waited: float = 0.0

    def read(self) -> float:
        return self.now

    def read_thread(self) -> float:
        return 7 + self.now - self.waited

    def wait(self, device: torch.device) -> None:
        self.now += self.pending
        self.pending = 0.0


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    clocks = {"perf_counter": time.read, "thread_time": time.read_thread}
    monkeypatch.setattr("bench.system.stopwatch.time", SimpleNamespace(**clocks))
    monkeypatch.setattr("bench.system.stopwatch.synchronise", time.wait)
    return time


def test_counts_from_its_creation(time: Time) -> None:
    clock = Stopwatch(CPU)
    assert clock.seconds == 0
    for elapsed in (3, 7):
        time.now = 100 + elapsed
        assert clock.seconds == elapsed


def test_a_stopped_clock_does_not_count(time: Time) -> None:
    clock = Stopwatch(CPU)
    for counted in (1, 2, 3):
        time.now += 1
        with clock.stopped():
            time.now += 1000
        assert clock.seconds == counted


def test_waits_for_the_pending_work_of_the_device(time: Time) -> None:
    time.pending = 50
    clock = Stopwatch(CPU)  # what was given before it was made is not its own
    time.pending += 4
    assert clock.seconds == 4
    time.pending += 2
    with clock.stopped():  # given before the block: counts
        time.pending += 1000  # given in the block: does not
    assert clock.seconds == 6


@pytest.mark.parametrize("earlier", [0.0, 50.0])
def test_the_share_of_a_core_is_that_of_the_thread_while_the_clock_ran(time: Time, earlier: float) -> None:
    clock = Stopwatch(CPU, earlier=earlier)
    assert clock.core_share is None
    time.now += 3
    assert clock.core_share == 1
    with clock.stopped():  # neither time nor work of a pause counts, whether the thread had a core or not
        time.now += 40
        time.waited += 30
    time.now += 5
    time.waited += 2  # another thread took turns on its core
    assert clock.seconds == earlier + 8
    assert clock.core_share == 6 / 8


def test_a_thread_that_waits_for_another_device_has_no_share(time: Time) -> None:
    clock = Stopwatch(torch.device("cuda"))
    time.now += 3
    assert clock.core_share is None
