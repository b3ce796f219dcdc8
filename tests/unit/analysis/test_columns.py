"""Columns of the scores, and the keys of rows and cells."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.analysis.columns import CellKey, Condition, require
from bench.analysis.tabulate import tabulate
from bench.errors import InputError
from tests.support.results.scores import (
    NO_FAILURES,
    made_up,
)


@pytest.mark.parametrize("column", ["psnr", "ssim", "noisy_psnr", "training_seconds", "width", "method"])
def test_empty_values_are_refused(column):
    scores = made_up()
    scores[column] = scores[column].where(scores["key"] != "sure-gamma-50-1")
    with pytest.raises(InputError, match=f"run sure-gamma-50-1 has an empty or undefined {column}"):
        tabulate(scores, NO_FAILURES)


def test_missing_columns_and_no_runs_are_refused():
    with pytest.raises(InputError, match="lack the columns sees, device"):
        tabulate(made_up().drop(columns=["sees", "device"]), NO_FAILURES)
    with pytest.raises(InputError, match="no runs"):
        tabulate(pd.DataFrame(), NO_FAILURES)


def test_missing_nullable_columns_become_nulls():
    scores = made_up().drop(columns=["estimate"])
    kept = require(scores, columns=["key", "width", "estimate"], nullable=["estimate"])
    assert list(kept) == ["key", "width", "estimate"]
    assert kept["estimate"].isna().all()
    assert list(require(pd.DataFrame(), columns=["key", "psnr"])) == ["key", "psnr"]


def test_numbers_stored_as_text_become_numbers():
    kept = require(made_up(steps="7", learning_rate="0.001"), columns=["steps", "learning_rate"])
    assert set(kept["steps"]) == {7}
    assert set(kept["learning_rate"]) == {0.001}


def test_conditions_are_named_by_noise_and_test_set():
    condition = CellKey("poisson", 0.05, "set12", "sure").condition
    assert condition == Condition("poisson", 0.05, "set12")
    assert condition.noise_label == "poisson ζ=0.05"
    assert str(condition) == "poisson ζ=0.05, set12"
    assert str(Condition("salt", 3, "set12")) == "salt parameter=3, set12"


def test_conditions_are_sorted_from_weak_to_strong_noise_of_known_models_first():
    weak_first = [
        Condition("gaussian", 25, "bsd68"),
        Condition("gaussian", 25, "set12"),
        Condition("gaussian", 50, "bsd68"),
        Condition("poisson", 0.05, "bsd68"),
        Condition("gamma", 100, "bsd68"),
        Condition("gamma", 50, "bsd68"),
        Condition("salt", 1, "bsd68"),
    ]
    assert sorted(set(weak_first), key=Condition.sort_key) == weak_first
