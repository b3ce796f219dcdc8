"""Errors that a user can act on."""

from __future__ import annotations

import pytest

from bench.errors import unknown


@pytest.mark.parametrize(
    ("allowed", "said"),
    [
        (["set12", "bsd68"], "unknown image set 'set13'; did you mean 'set12'? Known: bsd68, set12."),
        (["SET13"], "unknown image set 'set13'; did you mean 'SET13'? Known: SET13."),
        (["kodak24"], "unknown image set 'set13'. Known: kodak24."),
        ([], "unknown image set 'set13'. Known: none."),
    ],
)
def test_the_error_of_an_unknown_name_lists_the_known_ones(allowed: list[str], said: str) -> None:
    assert str(unknown("image set", "set13", allowed)) == said
