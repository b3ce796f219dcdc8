"""Traces of a few training steps."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from bench.errors import InputError
from bench.profile.trace import TRACED, write_trace

if TYPE_CHECKING:
    from pathlib import Path


def test_untrained_methods_have_no_trace(tmp_path: Path):
    sizes = {"width": 4, "batch": 2, "patch": 32}
    with pytest.raises(InputError, match="Nlm is not trained"):
        write_trace("nlm", folder=tmp_path, device="cpu", precision="float32", engine="auto", **sizes)


def test_a_trace_holds_its_steps(tmp_path: Path):
    sizes = {"width": 4, "batch": 2, "patch": 32}
    path = write_trace(
        "supervised", folder=tmp_path / "new", device="cpu", precision="float32", engine="auto", **sizes
    )
    events = json.loads(gzip.decompress(path.read_bytes()))["traceEvents"]
    steps = [event["name"] for event in events if str(event.get("name")).startswith("step ")]
    assert sorted(steps) == [f"step {number}" for number in range(TRACED)]
    assert any("convolution_backward" in str(event.get("name")) for event in events)
