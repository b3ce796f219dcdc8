"""Running the throughput suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import InputError
from bench.profile import measure as measuring

if TYPE_CHECKING:
    from pathlib import Path


def test_without_the_repository_there_is_no_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measuring, "SUITE", tmp_path / "test_throughput.py")
    with pytest.raises(InputError, match="clone"):
        measuring.measure(tmp_path, {})


def test_a_failing_suite_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measuring, "SUITE", tmp_path / "test_nothing.py")
    measuring.SUITE.write_text("def test_it():\n    assert False\n")
    with pytest.raises(InputError, match="failed"):
        measuring.measure(tmp_path / "out", {})
