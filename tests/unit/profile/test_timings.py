"""Rates, floors and shares from a result of the throughput suite."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.errors import InputError
from bench.profile.timings import PARTS, Profile, read
from tests.support.throughput import read_profile, result, write_result

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return read_profile(tmp_path)


def test_rates_are_those_of_the_fastest_copy_and_product(profile: Profile):
    assert profile.bandwidth == pytest.approx(1e10)
    assert profile.arithmetic == pytest.approx(1e11)


def test_the_floor_is_arithmetic_or_bandwidth_whichever_takes_longer(profile: Profile):
    assert profile.reached(profile.bare) == pytest.approx(0.010 / 0.020)  # 1 GFLOP at 100 GFLOP/s
    starved = replace(profile.bare, bytes=4 * 10**8)  # at 10 GB/s
    assert profile.reached(starved) == pytest.approx(0.040 / 0.020)


def test_there_is_no_share_of_a_floor_measured_in_another_precision(profile: Profile):
    (other,) = (timing for timing in profile.methods if timing.precision == "bfloat16")
    assert profile.reached(other) is None


def test_methods_are_sorted_from_fast_to_slow_and_parts_in_the_order_of_work(profile: Profile):
    assert [timing.method for timing in profile.methods] == ["quick_one", "other", "slow|one"]
    assert tuple(timing.part for timing in profile.parts) == PARTS


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"benchmarks": [{}], "machine_info": {}}', '{"benchmarks": 1, "machine_info": {}}'],
)
def test_other_files_are_refused_by_name(tmp_path: Path, text: str):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"other\.json is not a result"):
        read(path)
    with pytest.raises(InputError, match="absent"):
        read(tmp_path / "absent.json")


@pytest.mark.parametrize("kind", ["copy", "matrix product", "bare step"])
def test_a_result_without_its_references_is_refused(tmp_path: Path, kind: str):
    rest = [one for one in result() if one["extra_info"]["of"] != kind]
    with pytest.raises(InputError, match=f"lacks the {kind}"):
        read(write_result(tmp_path / "part.json", rest))
