"""Records of runs that begin, end or fail."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.protocol import PROTOCOL_VERSION
from bench.runs.recording import add_attempts, add_cost, add_error, new_attempt, new_record
from bench.store.record import ClusterNode
from bench.training import precision
from bench.training.bfloat16 import Bfloat16Faults
from bench.training.loop import Cost

if TYPE_CHECKING:
    from bench.store.record import RunRecord
    from tests.support.runs import Tiny


@pytest.fixture
def record(tiny: Tiny) -> RunRecord:
    return new_record(tiny.jobs()[0], tiny.context)


def test_a_new_record_describes_the_job(tiny: Tiny, record: RunRecord) -> None:
    (job,) = tiny.jobs()
    assert (record.key, record.run, record.protocol) == (job.key, job.run, PROTOCOL_VERSION)
    assert job.run.key(record.source.sha256) == job.key
    assert [(target.parameter, target.images) for target in record.test] == [(25.0, "test")]
    assert record.columns["method"] == "supervised"
    assert not {"hyper_parameters", "fingerprint", "parameter"} & {*record.columns}


def test_a_rejected_precision_is_recorded(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    monkeypatch.setattr(precision, "bfloat16_faults", lambda device: Bfloat16Faults("", "take 5.0 times"))
    rejected, untrained = (new_record(job, tiny.context) for job in tiny.jobs(methods=("supervised", "nlm")))
    assert (rejected.run.precision, untrained.run.precision) == ("float32", "float32")
    assert rejected.notes == ["precision float32: bfloat16 convolutions take 5.0 times"]
    assert untrained.notes == []
    monkeypatch.setattr(precision, "bfloat16_faults", lambda device: Bfloat16Faults("", ""))
    record = new_record(tiny.jobs()[0], tiny.context)
    assert (record.run.precision, record.notes) == ("bfloat16", [])


def test_the_place_of_a_context_is_recorded(tiny: Tiny) -> None:
    place = {"cluster": ClusterNode(node="n1", gpus_per_run=0.5)}
    record = new_record(tiny.jobs()[0], replace(tiny.context, place=place))
    assert record.to_json()["cluster"] == {"node": "n1", "gpus_per_run": 0.5}


def test_a_run_started_with_its_first_attempt(tiny: Tiny, record: RunRecord) -> None:
    first, last = (new_attempt(tiny.jobs()[0], tiny.context, step=step).to_json() for step in (0, 3))
    add_attempts(record, [first | {"started": "2026-01-01T00:00:00+00:00"}, last])
    assert record.started == "2026-01-01T00:00:00+00:00"
    assert [attempt.step for attempt in record.earlier_attempts] == [0]
    assert record.to_json()["earlier_sittings"][0]["hardware"] == first["hardware"]


@pytest.mark.parametrize("core_share", [0.75, None])
def test_the_cost_is_a_part_of_the_record_and_of_every_row(
    record: RunRecord, core_share: float | None
) -> None:
    add_cost(record, Cost(2.0, 4.0, 10, None, "eager", 3.0, 1.5, core_share))
    assert record.training.flops == 10
    assert record.training.core_share == core_share
    assert record.columns["training_flops"] == 10.0
    assert record.columns["training_seconds"] == 2.0
    assert (record.columns["forward_passes"], record.columns["backward_passes"]) == (3.0, 1.5)
    assert record.columns.get("core_share", "left out") == (core_share or "left out")


def test_a_failure_has_its_cause_and_time(record: RunRecord) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        add_error(record, error)
    assert record.error == "ZeroDivisionError: division by zero"
    assert record.failed >= record.started
    assert record.traceback.rstrip().endswith(record.error)
