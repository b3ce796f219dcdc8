"""The throughput profile: rates, floors and shares from a result of the suite, and its files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from bench.errors import InputError
from bench.profile import suite
from bench.profile.profile_table import caption, markdown
from bench.profile.suite import measure
from bench.profile.timings import Profile, read
from bench.profile.write import write_profile
from tests.throughput.ratios import ratios_to

if TYPE_CHECKING:
    from pathlib import Path

SETTING = {"precision": "float32", "engine": "eager", "width": 16, "batch": 8, "patch": 64, "images": 8}
MACHINE = {"device": "cpu", "name": "a <processor>", "threads": 2, "versions": {"torch": "2"}}


def entry(of: str, seconds: float, **facts: Any) -> dict[str, Any]:
    work = {"flops": 0, "bytes": 0, "peak_bytes": 2**20, "joules": None, "first_seconds": 2 * seconds}
    stats = {"median": seconds, "iqr": 0.1 * seconds, "rounds": 7}
    return {"stats": stats, "extra_info": {"of": of, **SETTING, **work, "unknown": 1, **facts}}


def result() -> list[dict[str, Any]]:
    """Copies run at 10 GB/s, products at 100 GFLOP/s, and a step of 1 GFLOP takes 20 ms."""
    step = {"flops": 10**9, "bytes": 10**7}
    parts = [entry("part", 0.005 * (1 + place), part=part) for place, part in enumerate(profiling.PARTS)]
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


def write(path: Path, benchmarks: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps({"machine_info": MACHINE, "benchmarks": benchmarks}), encoding="utf-8")
    return path


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return read(write(tmp_path / "throughput.json", result()))


def test_rates_are_those_of_the_fastest_copy_and_product(profile: Profile):
    assert profile.bandwidth == pytest.approx(1e10)
    assert profile.arithmetic == pytest.approx(1e11)


def test_the_floor_is_arithmetic_or_bandwidth_whichever_takes_longer(profile: Profile):
    assert profile.reached(profile.bare) == pytest.approx(0.010 / 0.020)  # 1 GFLOP at 100 GFLOP/s
    starved = read_one(profile, bytes=4 * 10**8)  # at 10 GB/s
    assert profile.reached(starved) == pytest.approx(0.040 / 0.020)


def read_one(profile: Profile, **changes: Any) -> Any:
    return type(profile.bare)(**vars(profile.bare) | changes)


def test_no_share_of_a_floor_that_was_measured_in_another_precision(profile: Profile):
    (other,) = (timing for timing in profile.methods if timing.precision == "bfloat16")
    assert profile.reached(other) is None


def test_methods_stand_from_fast_to_slow_and_parts_in_the_order_of_work(profile: Profile):
    assert [timing.method for timing in profile.methods] == ["quick_one", "other", "slow|one"]
    assert tuple(timing.part for timing in profile.parts) == profiling.PARTS


def test_the_table_says_ratios_rates_and_what_is_unknown(profile: Profile):
    lines = {line.split(" | ")[0].strip("| "): line for line in markdown(profile).splitlines() if "|" in line}
    assert "| 44.0 | 2.20 | 182 | 2.00 | 45% | 1 | 2.000 | 88 | – |" in lines[r"slow\|one"]
    assert "| 21.0 | 1.05 | 381 | 1.00 | 48% | 1 | – | 42 | 3.0 |" in lines[r"quick\_one"]
    assert "| 21.0 | 1.05 | 381 | 1.00 | – |" in lines["other"]
    assert "| 20.00 | 40.0% |" in lines["optimiser"]  # of 5 + 10 + 15 + 20 ms
    assert "| 8x64 |" not in lines["64"]
    assert "100 GFLOP/s" in caption(profile)
    assert "10.0 GB/s" in caption(profile)


def test_files_hold_what_was_measured_and_repeat_to_the_byte(profile: Profile, tmp_path: Path):
    files = [write_profile(profile, folder=folder(tmp_path / name)) for name in ("first", "second")]
    assert [path.suffix for path in files[0]] == [".csv", ".md", ".png", ".svg", ".pdf"]
    for first, second in zip(*files, strict=True):
        assert first.read_bytes() == second.read_bytes()
    rows = pd.read_csv(files[0][0])
    assert len(rows) == len(profile.timings)
    assert rows["reached"].max() == pytest.approx(max(profile.reached(one) or 0 for one in profile.timings))
    assert "a <processor>" not in files[0][3].read_text(encoding="utf-8")  # escaped


def folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"benchmarks": [{}], "machine_info": {}}', '{"benchmarks": 1, "machine_info": {}}'],
)
def test_what_is_no_result_is_refused_by_its_name(tmp_path: Path, text: str):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"other\.json is no result"):
        read(path)
    with pytest.raises(InputError, match="absent"):
        read(tmp_path / "absent.json")


@pytest.mark.parametrize("kind", ["copy", "matrix product", "bare step"])
def test_a_result_without_its_measures_is_refused(tmp_path: Path, kind: str):
    rest = [one for one in result() if one["extra_info"]["of"] != kind]
    with pytest.raises(InputError, match=f"lacks the {kind}"):
        read(write(tmp_path / "part.json", rest))


def test_without_the_repository_there_is_no_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(suite, "SUITE", tmp_path / "test_throughput.py")
    with pytest.raises(InputError, match="clone"):
        measure(tmp_path, {})


def test_a_failing_suite_is_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(suite, "SUITE", tmp_path / "test_nothing.py")
    profiling.SUITE.write_text("def test_it():\n    assert False\n")
    with pytest.raises(InputError, match="failed"):
        measure(tmp_path / "out", {})


def test_ratios_are_taken_within_a_round():
    """A machine that halves its speed from one round to the next changes no ratio."""
    times = {"bare": [1.0, 2.0, 4.0], "step": [1.5, 3.0, 6.0], "late": [1.0, 2.0, 40.0]}
    assert ratios_to("bare", times) == {"step": 1.5, "late": 1.0}
