"""The memory that is left is that of the tightest limit."""

from __future__ import annotations

import multiprocessing
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from bench.system import host_memory

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

MIB = 2**20


def test_without_limits_it_is_what_the_system_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(host_memory, "CONTROL_GROUP", tmp_path)
    assert host_memory.available_memory() == pytest.approx(psutil.virtual_memory().available, rel=0.2)


@pytest.mark.parametrize(
    ("maximum", "current", "left"), [("1048576", "48576", 1_000_000), ("1000", "2000", 0), ("max", "5", None)]
)
def test_a_container_may_leave_less(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, maximum: str, current: str, left: int | None
) -> None:
    monkeypatch.setattr(host_memory, "CONTROL_GROUP", tmp_path)
    unlimited = host_memory.available_memory()
    (tmp_path / "memory.max").write_text(f"{maximum}\n")
    (tmp_path / "memory.current").write_text(f"{current}\n")
    found = host_memory.available_memory()
    assert found == (pytest.approx(unlimited, rel=0.2) if left is None else left)


@pytest.mark.skipif(sys.platform != "linux", reason="limits address space, as Linux does")
def test_a_limit_of_the_address_space_counts() -> None:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_report_under_a_limit, args=(theirs,))
    process.start()
    assert ours.poll(60), "the process hung"
    assert 0 < ours.recv() <= 512 * MIB
    process.join()


def _report_under_a_limit(connection: Connection) -> None:
    import resource

    taken = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (taken + 512 * MIB,) * 2)
    connection.send(host_memory.available_memory())
