"""Records: what is required, what is kept, and what is said of a fault."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest

from bench.store.record import RunRecord
from tests.support.results.records import EVALUATION, made_up, made_up_record


def test_a_record_is_written_as_it_was_read_with_fields_that_are_not_known() -> None:
    content = made_up(error="it diverged", later={"field": 1}) | {"earlier_sittings": []}
    content["hardware"] = content["hardware"] | {"temperature": 40.0}
    assert RunRecord.from_json(content).to_json() == content


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"commit": 3}, "commit: Input should be a valid string"),
        ({"run": {"width": 1}}, "run: Value error, width must be at least 2, but is 1"),
        ({"run": {"precision": "float16"}}, "run.precision: Input should be 'bfloat16' or 'float32'"),
        ({"hardware": {"threads": "two"}}, "hardware.threads: Input should be a valid integer"),
        ({"columns": {"seed": [0]}}, "columns.seed.str: Input should be a valid string"),
        (
            {"evaluation": {"gaussian:25": {"set12": {}}}},
            "evaluation.gaussian:25.set12.fingerprint: Field required",
        ),
    ],
)
def test_the_first_field_that_is_wrong_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RunRecord.from_json(made_up(**changes))


@pytest.mark.parametrize("name", ["key", "run", "columns", "started", "hardware"])
def test_a_field_that_is_missing_is_named(name: str) -> None:
    content = made_up()
    del content[name]
    with pytest.raises(ValueError, match=f"^{name}: Field required"):
        RunRecord.from_json(content)


def test_the_range_of_an_unknown_parameter_is_a_pair() -> None:
    assert made_up_record(run={"parameter": [5.0, 50.0]}).run.parameter == (5.0, 50.0)


def test_evaluations_of_a_test_set_are_those_under_each_noise() -> None:
    both = {"set12": EVALUATION, "bsd68": EVALUATION}
    record = made_up_record(evaluation={"gaussian:25": both, "gaussian:50": {"bsd68": EVALUATION}})
    assert [len(record.evaluations(name)) for name in ("set12", "bsd68", "kodak24")] == [1, 2, 0]


def test_torch_is_not_imported_to_read_a_record() -> None:
    code = "import bench.store.record, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("protocol", "clip_ratio"), [(3, math.inf), (4, 2.0)])
def test_settings_that_earlier_protocols_did_not_record_are_known(protocol: int, clip_ratio: float) -> None:
    content = made_up(protocol=protocol)
    for name in ("optimiser", "clip_ratio"):
        del content["run"][name]
    record = RunRecord.from_json(content)
    assert (record.run.optimiser, record.run.clip_ratio) == ("adam", clip_ratio)
    assert record.to_json() == content
    with pytest.raises(ValueError, match=r"run\.optimiser: Field required"):
        RunRecord.from_json(content | {"protocol": 5})
