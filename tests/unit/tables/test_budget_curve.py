"""Curves of finished runs: what is averaged, grouped and refused, and interpolation by closed forms."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from bench.errors import InputError
from bench.tables.budget_curve import NothingToCompareError, budget_curves, budget_to_reach, psnr_at
from tests.support.results.budgets import (
    ADAM,
    LENGTHS,
    MUON,
    SECONDS_A_TFLOP,
    made_up_budgets,
    psnr_after,
)


def only(scores: pd.DataFrame):
    (curves,) = budget_curves(scores)
    return curves


def line_of(scores: pd.DataFrame, name: str) -> pd.DataFrame:
    points = only(scores).points
    return points[points["line"] == name]


def test_a_point_is_a_finished_run_with_its_cost():
    line = line_of(made_up_budgets("sure"), "sure")
    assert line["steps"].tolist() == list(LENGTHS)
    np.testing.assert_allclose(line["tflop"], [2.0 * steps for steps in LENGTHS])
    np.testing.assert_allclose(line["seconds"], SECONDS_A_TFLOP * line["tflop"])
    np.testing.assert_allclose(line["psnr"], [psnr_after(steps) for steps in LENGTHS])
    assert set(line["seeds"]) == {2}


def test_seconds_are_the_median_over_seeds_and_psnr_is_the_mean():
    scores = made_up_budgets("sure", seeds=[0, 1, 2])
    scores["training_seconds"] = scores["seed"].map({0: 10.0, 1: 1000.0, 2: 12.0})
    scores["psnr"] += scores["seed"].map({0: 0.0, 1: 3.0, 2: 0.0})
    line = line_of(scores, "sure")
    assert set(line["seconds"]) == {12.0}
    np.testing.assert_allclose(line["psnr"], [1 + psnr_after(steps) for steps in LENGTHS])


def test_only_seeds_that_all_budgets_have_are_averaged():
    more = made_up_budgets("sure", lengths=[400], seeds=[2])
    scores = pd.concat([made_up_budgets("sure", "noise2void"), more.assign(psnr=99.0)])
    assert set(only(scores).points["seeds"]) == {2}
    assert only(scores).points["psnr"].max() == pytest.approx(psnr_after(800))


def test_budgets_without_a_common_seed_are_refused():
    scores = [made_up_budgets("sure", lengths=[steps], seeds=[seed]) for steps, seed in ((100, 0), (200, 1))]
    with pytest.raises(InputError, match="budgets on gaussian σ=25, bsd68 have no seed in common"):
        budget_curves(pd.concat(scores))


def test_lines_are_named_by_the_settings_that_differ():
    scores = pd.concat([made_up_budgets("sure", "bm3d", **ADAM), made_up_budgets("sure", **MUON)])
    curves = only(scores)
    adam, muon = "adam, learning rate 0.002", "muon, learning rate 0.01"
    assert list(dict.fromkeys(curves.points["line"])) == ["bm3d", f"sure, {adam}", f"sure, {muon}"]
    assert list(dict.fromkeys(curves.trained["setup"])) == [adam, muon]
    assert "adam" not in curves.heading
    assert "width 48" in curves.heading
    alike = only(made_up_budgets("sure", **MUON))
    assert set(alike.points["line"]) == {"sure"}
    assert "muon, learning rate 0.01" in alike.heading


def test_an_untrained_method_is_one_point_without_cost():
    scores = pd.concat([made_up_budgets("sure", "bm3d", **settings) for settings in (ADAM, MUON)])
    (point,) = only(scores).points.query("line == 'bm3d'").to_dict("records")
    assert (point["tflop"], point["steps"], point["seeds"]) == (0, 0, 2)


@pytest.mark.parametrize("change", [{"protocol": 3}, {"device": "cpu"}, {"training_noise": "resampled"}])
def test_what_cannot_be_compared_is_in_figures_of_its_own(change):
    groups = budget_curves(pd.concat([made_up_budgets("sure"), made_up_budgets("sure", **change)]))
    assert len(groups) == 2
    assert len({one.heading for one in groups}) == 2


@pytest.mark.parametrize("methods", [("sure", "noise2void"), ("sure", "bm3d")])
def test_a_single_budget_is_nothing_to_compare(methods):
    with pytest.raises(NothingToCompareError, match="only one budget"):
        budget_curves(made_up_budgets(*methods, lengths=[400]))


def test_a_line_in_two_precisions_is_refused():
    scores = made_up_budgets("sure")
    scores.loc[scores["steps"] == 800, "precision"] = "bfloat16"
    with pytest.raises(InputError, match="budgets of sure mix runs in bfloat16 and float32"):
        budget_curves(scores)


def test_different_noisy_images_are_refused():
    scores = made_up_budgets("sure")
    scores.loc[scores["steps"] == 800, "noisy_psnr"] += 1
    with pytest.raises(InputError, match="different noisy copies"):
        budget_curves(scores)


@pytest.mark.parametrize("steps", [100, 150.0, 399.0, 400, 800])
def test_psnr_at_a_budget_is_exact_where_it_is_linear_in_its_logarithm(steps):
    found = psnr_at(2.0 * steps, line_of(made_up_budgets("sure"), "sure"))
    assert found.psnr == pytest.approx(psnr_after(steps))
    assert found.below <= steps <= found.above
    assert (found.below == found.above) == (steps in LENGTHS)


@pytest.mark.parametrize("tflop", [199.0, 1601.0])
def test_psnr_is_not_extrapolated(tflop):
    assert psnr_at(tflop, line_of(made_up_budgets("sure"), "sure")) is None


@pytest.mark.parametrize("steps", [100.5, 256.0, 799.0])
def test_budget_to_reach_is_the_inverse(steps):
    found = budget_to_reach(psnr_after(steps), line_of(made_up_budgets("sure"), "sure"))
    assert found[:3] == pytest.approx((2.0 * steps * SECONDS_A_TFLOP, 2.0 * steps, steps))
    assert not found.bound


def test_a_level_beyond_the_runs_is_a_bound_or_not_reached():
    line = line_of(made_up_budgets("sure"), "sure")
    lowest = budget_to_reach(psnr_after(100) - 1, line)
    assert (lowest.steps, lowest.bound) == (100, True)
    assert budget_to_reach(psnr_after(800) + 1e-6, line) is None


def test_shares_of_a_core_are_those_of_trained_runs():
    scores = made_up_budgets("sure", "bm3d").assign(core_share=lambda runs: runs["steps"] / 1000)
    assert sorted(only(scores).core_shares) == sorted(2 * [steps / 1000 for steps in LENGTHS])
    assert all(map(math.isnan, only(made_up_budgets("sure")).core_shares))
