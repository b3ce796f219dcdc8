"""The best methods of a row."""

from __future__ import annotations

import math

import pytest

from bench.analysis.best import best_methods

SEES = {"a": "noisy", "b": "noisy + noise", "c": "noisy", "clean": "noisy + clean", "pair": "noisy + noisy2"}


def test_only_self_supervised_methods_compete():
    assert best_methods({"a": 30.0, "b": 29.0, "clean": 32.0, "pair": 31.0}, SEES) == ["a"]


@pytest.mark.parametrize(("metric", "step"), [("psnr", 0.01), ("ssim", 0.001), ("lpips", 0.001)])
def test_scores_that_print_alike_are_equal(metric: str, step: float):
    values = {"a": 0.5 + 0.2 * step, "b": 0.5, "c": 0.5 - 0.8 * step}
    if metric == "lpips":
        values = {method: 1 - value for method, value in values.items()}
    assert best_methods(values, SEES, metric=metric) == ["a", "b"]


def test_lpips_is_best_where_it_is_lowest():
    assert best_methods({"a": 0.3, "b": 0.2}, SEES, metric="lpips") == ["b"]


def test_unknown_scores_do_not_count():
    assert best_methods({"a": math.nan, "b": 29.0}, SEES) == ["b"]
    assert best_methods({"a": math.nan, "clean": 29.0}, SEES) == []
