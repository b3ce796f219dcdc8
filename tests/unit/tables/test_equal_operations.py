"""The table of PSNR at equal operations."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.tables.budget_curve import NothingToCompareError, budget_curves
from bench.tables.equal_operations import equal_operations_table
from tests.support.results.budgets import ADAM, MUON, TFLOP_A_STEP, made_up_budgets, psnr_after

TRAINED = ["neighbor2neighbor", "noise2void", "sure"]


def table_of(*scores: pd.DataFrame):
    (curves,) = budget_curves(pd.concat(scores))
    return equal_operations_table(curves)


def test_methods_are_compared_at_the_most_operations_that_all_reached():
    """The cheapest method ends at 400 TFLOP, which are 400 and 200 steps of the others."""
    table = table_of(made_up_budgets(*TRAINED))
    assert table.header == ["noise", "test set", "TFLOP", *TRAINED]
    psnr = [f"{psnr_after(steps):.2f}" for steps in (800, 400, 200)]
    assert table.plain_rows() == [["gaussian σ=25", "bsd68", "400", *psnr]]


def test_what_is_interpolated_is_marked_and_has_the_runs_on_both_sides():
    table = table_of(
        made_up_budgets("neighbor2neighbor", lengths=[100, 600]), made_up_budgets("sure", lengths=[100, 800])
    )
    steps = 600 * TFLOP_A_STEP["neighbor2neighbor"] / TFLOP_A_STEP["sure"]
    assert table.plain_rows()[0][3:] == [f"{psnr_after(600):.2f}", f"~{psnr_after(steps):.2f}"]
    numbers = table.numbers.set_index("method")
    assert numbers.loc["sure", ["steps_below", "steps_above"]].tolist() == [100, 800]
    assert numbers.loc["neighbor2neighbor", ["steps_below", "steps_above"]].tolist() == [600, 600]
    assert any(note.startswith("~: interpolated between two runs that finished") for note in table.notes)


def test_a_method_without_a_run_so_short_is_a_dash():
    table = table_of(
        made_up_budgets("neighbor2neighbor", "noise2void"), made_up_budgets("sure", lengths=[400])
    )
    assert table.plain_rows()[0][3:] == [f"{psnr_after(800):.2f}", f"{psnr_after(400):.2f}", "–"]


def test_an_untrained_method_is_beside_each_setup():
    table = table_of(
        made_up_budgets("bm3d", "sure", "noise2void", **ADAM), made_up_budgets("sure", "noise2void", **MUON)
    )
    assert table.header[2] == "setup"
    bm3d = table.header.index("bm3d")
    reference, other = (row[bm3d] for row in table.plain_rows())
    assert reference == other != "–"


def test_setups_are_compared_within_themselves():
    table = table_of(
        made_up_budgets("sure", "noise2void", **ADAM),
        made_up_budgets("sure", "noise2void", lengths=[50, 100], gain=1.0, **MUON),
    )
    adam, muon = table.plain_rows()
    assert adam[3:] == ["800", f"{psnr_after(800):.2f}", f"{psnr_after(400):.2f}"]
    assert muon[3:] == ["100", f"{psnr_after(100, gain=1):.2f}", f"{psnr_after(50, gain=1):.2f}"]


def test_noises_are_compared_each_by_itself():
    table = table_of(
        made_up_budgets("sure", "noise2void"),
        made_up_budgets("sure", "noise2void", lengths=[100, 200], noises=[("poisson", 0.05)]),
    )
    assert [row[2] for row in table.plain_rows()] == ["800", "200"]


def test_runs_that_are_all_too_long_are_refused_with_the_steps_that_would_do():
    scores = [made_up_budgets(*TRAINED, lengths=[800]), made_up_budgets(*TRAINED, lengths=[800], **MUON)]
    with pytest.raises(NothingToCompareError, match=r"400 TFLOP, .* of noise2void, sure took .*--steps 200`"):
        table_of(*scores)


def test_one_method_is_nothing_to_compare():
    with pytest.raises(NothingToCompareError, match="under no noise were two methods trained alike"):
        table_of(made_up_budgets("sure", "bm3d"))
