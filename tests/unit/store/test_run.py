"""Runs: what enters their keys, and which settings are refused."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from bench.errors import InputError
from bench.store.run import Run
from tests.support.results.records import RUN

if TYPE_CHECKING:
    from typing import Any


SOURCE = "a" * 64


def test_the_source_of_a_method_and_the_protocol_enter_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(**RUN)
    key = run.key(SOURCE)
    assert key != run.key("b" * 64)
    monkeypatch.setattr("bench.store.run.PROTOCOL_VERSION", -1)
    assert key != run.key(SOURCE)


@pytest.mark.parametrize("name", RUN)
def test_every_field_enters_the_key(name: str) -> None:
    run = Run(**RUN)
    value = getattr(run, name)
    if name == "optimiser":
        other = "muon"
    else:
        other = (
            {"a": 1} if isinstance(value, dict) else f"{value}x" if isinstance(value, str) else 2 * value + 2
        )
    assert replace(run, **{name: other}).key(SOURCE) != run.key(SOURCE)


def test_fields_are_in_the_order_of_stored_records() -> None:
    assert list(asdict(Run(**RUN))) == list(RUN)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": -1}, "seed must be at least 0, but is -1"),
        ({"width": 1}, "width must be at least 2, but is 1"),
        ({"optimiser": "adamw"}, "unknown optimiser 'adamw'; did you mean 'adam'"),
        ({"clip_ratio": 0.0}, "clip_ratio must be above 0, but is 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be finite and above 0, but is nan"),
    ],
)
def test_numbers_out_of_range_are_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Run(**RUN | changes)
