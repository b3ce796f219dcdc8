"""The table of before and after: what each setup takes to reach a PSNR, and ratios of two setups."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.errors import InputError
from bench.output.markup import significant
from bench.tables.before_after import before_after_table, parse_before
from bench.tables.budget_curve import NothingToCompareError, budget_curves
from tests.support.results.budgets import (
    ADAM,
    MUON,
    SECONDS_A_TFLOP,
    TFLOP_A_STEP,
    made_up_budgets,
    psnr_after,
)

BEFORE = made_up_budgets("sure", "noise2void", **ADAM)
AFTER = made_up_budgets("sure", "noise2void", gain=0.5, slowness=1.1, **MUON)
NAMES = ["adam, learning rate 0.002", "muon, learning rate 0.01"]


def table_of(*scores: pd.DataFrame, before=(), level: float | None = None):
    (curves,) = budget_curves(pd.concat(scores))
    return before_after_table(curves, before=parse_before(before), level=level)


def numbers_of(*scores: pd.DataFrame, **options):
    return table_of(*scores, **options).numbers.set_index(["method", "setup"])


def text_of(steps: float, *, slowness: float = 1.0) -> str:
    """Format what so many steps of sure cost."""
    tflop = TFLOP_A_STEP["sure"] * steps
    return " / ".join(map(significant, (SECONDS_A_TFLOP * slowness * tflop, tflop, steps)))


def test_a_better_setup_reaches_the_other_ones_end_sooner():
    """A gain of half a decibel, where each doubling gains one, is worth a factor of sqrt(2) in steps."""
    lines = numbers_of(BEFORE, AFTER)
    for method, tflop in (("sure", 2.0), ("noise2void", 1.0)):
        before, after = (lines.loc[(method, name)] for name in NAMES)
        assert before["level"] == after["level"] == pytest.approx(psnr_after(800))
        assert before[["seconds", "tflop", "steps", "ratio"]].tolist() == pytest.approx(
            [800 * tflop * SECONDS_A_TFLOP, 800 * tflop, 800, 1]
        )
        assert after["steps"] == pytest.approx(800 / 2**0.5)
        assert after["seconds"] == pytest.approx(1.1 * 800 / 2**0.5 * tflop * SECONDS_A_TFLOP)
        assert after["ratio"] == pytest.approx(1.1 / 2**0.5)


def test_a_row_has_both_numbers_and_their_ratio():
    table = table_of(BEFORE, AFTER)
    assert table.header[4:] == [*NAMES, f"{NAMES[1]}: seconds / before"]
    (row,) = [row[2:] for row in table.plain_rows() if row[2] == "sure"]
    before, after = text_of(800), text_of(800 / 2**0.5, slowness=1.1)
    assert row == ["sure", f"{psnr_after(800):.2f}", before, after, f"{1.1 / 2**0.5:.3f}"]
    assert any(note.startswith(f"Before: {NAMES[0]}. ") for note in table.notes)


def test_before_can_be_any_setup():
    lines = numbers_of(BEFORE, AFTER, before=["optimiser=muon"])
    assert lines.loc[("sure", NAMES[1]), "ratio"] == 1
    assert lines.loc[("sure", NAMES[0]), "ratio"] == pytest.approx(2**0.5 / 1.1)
    by_rate = numbers_of(BEFORE, AFTER, before=["learning_rate=1e-2"])
    pd.testing.assert_frame_equal(lines, by_rate)


def test_a_given_level_that_a_setup_does_not_reach_is_a_dash():
    table = table_of(BEFORE, AFTER, level=psnr_after(800) + 0.25)
    reached = text_of(800 / 2**0.25, slowness=1.1)
    assert [row[4:] for row in table.plain_rows() if row[2] == "sure"] == [["–", reached, "–"]]


def test_a_level_below_the_shortest_run_is_a_bound_and_no_ratio_of_bounds_is_given():
    lines = numbers_of(BEFORE, AFTER, level=psnr_after(100) - 1)
    assert lines["bound"].all()
    assert lines["ratio"].isna().tolist() == [name != NAMES[0] for _, name in lines.index]
    row = table_of(BEFORE, AFTER, level=psnr_after(110)).plain_rows()[0]
    assert row[5].startswith("≤ ")
    assert row[6].startswith("≤ ")
    assert not row[4].startswith("≤ ")


def test_several_settings_make_several_setups():
    other = made_up_budgets("sure", gain=-0.5, optimiser="muon", learning_rate=5e-3)
    with pytest.raises(
        InputError, match=r"before optimiser=muon must name one of the setups .*, but names 2"
    ):
        table_of(BEFORE, AFTER, other, before=["optimiser=muon"])
    lines = numbers_of(BEFORE, AFTER, other)
    assert len(lines.loc["sure"]) == 3
    assert len(lines.loc["noise2void"]) == 2


def test_methods_of_one_setup_are_left_out_and_all_such_are_refused():
    assert set(table_of(BEFORE, AFTER, made_up_budgets("neighbor2neighbor")).numbers["method"]) == {
        "sure",
        "noise2void",
    }
    with pytest.raises(NothingToCompareError, match="no method was trained in two setups"):
        table_of(BEFORE)


@pytest.mark.parametrize("text", ["adam", "optimiser=", "steps=100", "=adam"])
def test_before_needs_settings(text):
    with pytest.raises(InputError, match="--before needs settings such as optimiser=adam"):
        parse_before([text])


@pytest.mark.parametrize("text", ["optimiser=sgd", "learning_rate=fast"])
def test_before_must_name_a_setup(text):
    with pytest.raises(InputError, match="but names 0"):
        table_of(BEFORE, AFTER, before=[text])


def test_shared_cores_are_said():
    notes = table_of(BEFORE.assign(core_share=0.5), AFTER.assign(core_share=1.0)).notes
    assert "a training thread had 50% of one" in notes[-1]
