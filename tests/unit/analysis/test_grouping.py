"""Stored runs by setup, condition, cell and method."""

from __future__ import annotations

import pandas as pd

from bench.analysis.columns import CellKey, Condition, Setup
from bench.analysis.grouping import by_cell, by_condition, by_method, by_setup
from tests.support.results.scores import ALL_NOISES, SEES, SETUP, made_up


def test_groups_hold_every_line_of_their_key_alone():
    scores = made_up()
    cells = by_cell(scores)
    assert sum(map(len, cells.values())) == len(scores)
    for cell, lines in cells.items():
        assert isinstance(cell, CellKey)
        assert {CellKey(*key) for key in zip(*(lines[name] for name in cell._fields), strict=True)} == {cell}


def test_conditions_are_from_weak_to_strong_noise():
    conditions = by_condition(made_up(noises=ALL_NOISES, sets={"set12": ["01.png"]}))
    assert list(conditions) == [
        Condition("gaussian", 25.0, "set12"),
        Condition("gaussian", 50.0, "set12"),
        Condition("poisson", 0.05, "set12"),
        Condition("gamma", 100.0, "set12"),
        Condition("gamma", 50.0, "set12"),
    ]


def test_setups_are_sorted_by_their_training_images():
    scores = pd.concat([made_up(training_images="b", width=8), made_up(training_images="a")])
    first, second = by_setup(scores)
    assert first == Setup(**SETUP | {"training_images": "a"})
    assert (second.training_images, second.width) == ("b", 8)


def test_methods_are_groups_by_name():
    assert list(by_method(made_up())) == sorted(SEES)


def test_no_runs_need_no_columns():
    assert by_setup(pd.DataFrame()) == by_cell(pd.DataFrame()) == by_condition(pd.DataFrame()) == {}
