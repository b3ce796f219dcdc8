"""Settings of training runs."""

from __future__ import annotations

import math

import pytest

from bench.analysis.columns import SETUP_COLUMNS
from bench.errors import InputError
from bench.runs.recipes import Recipe
from bench.settings import SETTING_COLUMNS, TrainingSettings
from bench.store.run import Run
from bench.store.scores import IDENTITY
from tests.support.results.records import RUN

SETTINGS = {name: RUN[name] for name in SETTING_COLUMNS}


def test_recipes_runs_and_setups_share_the_settings() -> None:
    recipe = Recipe(purpose="", train="bsd400", test=("set12",), **SETTINGS)
    assert recipe.training_settings() == Run(**RUN).training_settings() == SETTINGS
    assert {*SETTING_COLUMNS} < {*SETUP_COLUMNS} & {*IDENTITY}


@pytest.mark.parametrize(("name", "smallest"), [("width", 2), ("steps", 1), ("batch", 1), ("patch", 2)])
def test_a_setting_that_is_too_small_is_named(name: str, smallest: int) -> None:
    TrainingSettings(**SETTINGS | {name: smallest})
    with pytest.raises(InputError, match=f"{name} must be at least {smallest}, but is {smallest - 1}"):
        TrainingSettings(**SETTINGS | {name: smallest - 1})


@pytest.mark.parametrize("rate", [0.0, -1e-3, math.nan, math.inf])
def test_a_learning_rate_out_of_range_is_named(rate: float) -> None:
    with pytest.raises(InputError, match=f"learning_rate must be finite and above 0, but is {rate}"):
        TrainingSettings(**SETTINGS | {"learning_rate": rate})
