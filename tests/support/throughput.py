"""Results of the throughput suite, made up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bench.profile.timings import PARTS, Profile, read

if TYPE_CHECKING:
    from pathlib import Path

SETTING = {"precision": "float32", "engine": "eager", "width": 16, "batch": 8, "patch": 64, "images": 8}
MACHINE = {"device": "cpu", "name": "a <cpu>", "threads": 2, "versions": {"torch": "2"}}


def entry(of: str, seconds: float, **about: Any) -> dict[str, Any]:
    work = {"flops": 0, "bytes": 0, "peak_bytes": 2**20, "joules": None, "first_seconds": 2 * seconds}
    stats = {"median": seconds, "iqr": 0.1 * seconds, "rounds": 7}
    return {"stats": stats, "extra_info": {"of": of, **SETTING, **work, "unknown": 1, **about}}


def result() -> list[dict[str, Any]]:
    """Copies run at 10 GB/s, products at 100 GFLOP/s, and a step of 1 GFLOP takes 20 ms."""
    step = {"flops": 10**9, "bytes": 10**7}
    parts = [entry("part", 0.005 * (1 + place), part=part) for place, part in enumerate(PARTS)]
    return [
        entry("copy", 0.1, bytes=10**9),
        entry("matrix product", 0.1, flops=10**9),
        entry("matrix product", 0.1, flops=10**10),
        entry("bare step", 0.020, **step),
        *reversed(parts),
        entry("training step", 0.044, flops=2 * 10**9, bytes=10**7, method="slow|one", joules=16.0),
        entry("training step", 0.021, **step, method="quick_one"),
        entry("training step", 0.021, **step | {"precision": "bfloat16"}, method="other"),
        entry("inference", 0.003, method="quick_one"),
        *(entry("batch", 0.0025 * size, batch=size, images=size, **step) for size in (8, 64)),
        *(entry("patch", 0.005, patch=size, **step) for size in (32, 128)),
    ]


def write_result(path: Path, benchmarks: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps({"machine_info": MACHINE, "benchmarks": benchmarks}), encoding="utf-8")
    return path


def read_profile(folder: Path) -> Profile:
    """Read the result from a file in a folder."""
    return read(write_result(folder / "throughput.json", result()))
