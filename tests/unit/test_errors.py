"""Errors that a user can act on."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from bench.errors import line_in, unknown


def test_the_last_line_of_a_file_that_led_to_an_error() -> None:
    def inner() -> None:
        inspect.getfile(3)  # type: ignore[arg-type]

    with pytest.raises(TypeError) as caught:
        inner()
    assert line_in(Path(__file__), caught.value) == inner.__code__.co_firstlineno + 1
    assert line_in(inspect.__file__, caught.value) not in (None, line_in(__file__, caught.value))
    assert line_in("elsewhere.py", caught.value) is None


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
