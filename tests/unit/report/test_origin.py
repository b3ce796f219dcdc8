"""Provenance: what runs share is listed once, and what differs apart."""

from __future__ import annotations

from typing import Any

from bench.report.origin import Origin, provenance
from tests.support.results.records import EVALUATION, made_up_record

LATER = "2026-02-01T00:00:00+00:00"


class Records:
    """Records by key, as a store returns them."""

    def __init__(self, **records: dict[str, Any]) -> None:
        self.records = records

    def record(self, key: str) -> Any:
        evaluation = {"gaussian:25": {"set12": EVALUATION}}
        return made_up_record(key, **({"evaluation": evaluation} | self.records[key]))


def test_runs_with_the_same_code_and_machine_share_an_origin() -> None:
    results = Records(a={}, b={"commit": "e" * 40}, c={"run": {"seed": 1}})
    found = provenance(results, ["a", "b", "c"])
    first = results.record("a")
    assert [(origin.commit, origin.runs) for origin in found.origins] == [("d" * 40, 2), ("e" * 40, 1)]
    assert isinstance(found.origins[0], Origin)
    assert found.code == [("supervised", first.source.origin, first.source.sha256)]
    assert found.training == [("bsd400", first.run.fingerprint)]


def test_test_sets_are_listed_by_noise_and_seed() -> None:
    results = Records(a={}, b={"run": {"method": "sure"}}, c={"run": {"seed": 1}})
    tests = provenance(results, ["a", "b", "c"]).tests
    assert tests == [("gaussian:25", "set12", seed, "b", "c") for seed in (0, 1)]


def test_reasons_for_missing_lpips_and_the_times_of_first_and_last_run() -> None:
    computed = {"gaussian:25": {"set12": EVALUATION | {"lpips": "computed"}}}
    results = Records(a={"started": LATER}, b={"evaluation": computed})
    found = provenance(results, ["a", "b"])
    assert found.lpips == [EVALUATION["lpips"]]
    assert found.started == (results.record("b").started, LATER)
    assert provenance(results, ["b"]).lpips == []


def test_no_runs_have_no_provenance() -> None:
    found = provenance(Records(), [])
    assert (found.origins, found.tests, found.started) == ([], [], ("", ""))
