"""What methods see."""

from __future__ import annotations

import pytest

from bench.analysis.supervision import exposure, methods_in, self_supervised, sort_methods
from tests.support.results.scores import made_up


@pytest.mark.parametrize(
    ("sees", "expected"),
    [
        ("noisy", True),
        ("noisy + noise", True),
        ("noisy + noise model", True),
        ("noisy + noisy2", False),
        ("noisy + clean", False),
        ("clean", False),
        ("noisy + noise, untrained", False),
    ],
)
def test_self_supervised(sees, expected):
    assert self_supervised(sees) is expected


def test_methods_are_sorted_by_what_they_see_then_by_name():
    sees = {
        "b": "noisy",
        "n2n": "noisy + noisy2",
        "oracle": "noisy, untrained",
        "a": "noisy",
        "clean": "clean",
    }
    assert sort_methods(sees | {"other": "something"}) == ["oracle", "a", "b", "n2n", "clean", "other"]


def test_exposure_is_that_of_the_most_revealing_input():
    inputs = ["noisy", "noisy + noise", "noisy + noisy2", "noisy + clean"]
    assert sorted(set(inputs), key=exposure) == inputs


def test_methods_in_scores_are_sorted_by_what_they_see():
    assert methods_in(made_up()) == [
        "noise2void",
        "noise2score:domain=raw,formula=paper",
        "sure",
        "noise2noise",
        "supervised",
    ]
