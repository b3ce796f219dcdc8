"""A wrong declaration is reported."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bench.conformance import declaration_checks
from bench.conformance.case import ConformanceError
from bench.conformance.declaration_checks import declares_itself
from methods.sure import Sure
from tests.support.methods.broken import assert_reported, broken_in


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("name", broken_in("declares itself"))
def test_a_broken_declaration_is_reported(name: str):
    assert_reported(name)


@pytest.mark.parametrize(
    ("attribute", "value", "fault"),
    [
        ("needs", {"noisy"}, r"`needs` is \{'noisy'\}, but must be a frozenset of at least one name"),
        ("needs", frozenset({"clean"}), r"`needs` is \['clean'\], but must contain noisy"),
        ("noises", frozenset(), r"`noises` is frozenset\(\), but must be a frozenset of at least one name"),
        ("precision", "float8", "`precision` is 'float8', but must be one of bfloat16, float32"),
    ],
)
def test_a_wrong_value_is_reported(
    attribute: str, value: object, fault: str, monkeypatch: pytest.MonkeyPatch
):
    declares_itself("sure")
    monkeypatch.setattr(Sure, attribute, value)
    with pytest.raises(ConformanceError, match=fault):
        declares_itself("sure")


def test_a_missing_docstring_is_reported(monkeypatch: pytest.MonkeyPatch):
    nameless = {"sure": SimpleNamespace(summary=lambda: "")}
    monkeypatch.setattr(declaration_checks, "listings", lambda: nameless)
    with pytest.raises(ConformanceError, match="the file has no docstring"):
        declares_itself("sure")
