"""The sheet of trainings made again: every difference and every scatter, computed apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.errors import InputError
from bench.published.retraining import RUN, SPREAD, retrained, trainings_of
from tests.support.markup import read_latex, read_markdown
from tests.unit.published.test_retraining import SURE, VOID, Means, both, moved, scored

METHODS = ["noise2void", "sure", "supervised"]
FIRST = moved(SURE, [0.1, -0.2, 0.3])
SECOND = {("noise2void", 25.0, 0): 26.04}


def test_every_run_has_a_line_and_what_was_not_trained_again_a_mark() -> None:
    sheet = retrained(both(FIRST, SECOND), METHODS)
    assert sheet.header == ["noise", "test set", "seed", "trained again in", *METHODS]
    weak, strong = "gaussian σ=25", "gaussian σ=50"
    assert sheet.rows[:12] == [
        [weak, "bsd68", "0", "again-0", "–", "+0.100", "–"],
        [weak, "bsd68", "0", "again-1", "+0.040", "–", "–"],
        [weak, "bsd68", "1", "again-0", "–", "−0.200", "–"],
        [weak, "bsd68", "1", "again-1", "–", "–", "–"],
        [weak, "set12", "0", "again-0", "–", "+0.200", "–"],
        [weak, "set12", "0", "again-1", "+0.080", "–", "–"],
        [weak, "set12", "1", "again-0", "–", "−0.400", "–"],
        [weak, "set12", "1", "again-1", "–", "–", "–"],
        [strong, "bsd68", "0", "again-0", "–", "+0.300", "–"],
        [strong, "bsd68", "0", "again-1", "–", "–", "–"],
        [strong, "set12", "0", "again-0", "–", "+0.600", "–"],
        [strong, "set12", "0", "again-1", "–", "–", "–"],
    ]
    # The squares of .1, .2 and .3 over twice their number; of two trainings the difference over root 2.
    sd, void = math.sqrt(0.14 / 6), 0.04 / math.sqrt(2)
    apart, far = stats.t.ppf(0.975, 3) * math.sqrt(0.14 / 3), stats.t.ppf(0.975, 1) * 0.04
    assert sheet.rows[12:] == [
        ["standard deviation", "bsd68", "", "", f"{void:.3f} (1)", f"{sd:.3f} (3)", "–"],
        ["95 % of differences", "bsd68", "", "", f"±{far:.3f}", f"±{apart:.3f}", "–"],
        ["standard deviation", "set12", "", "", f"{2 * void:.3f} (1)", f"{2 * sd:.3f} (3)", "–"],
        ["95 % of differences", "set12", "", "", f"±{2 * far:.3f}", f"±{2 * apart:.3f}", "–"],
    ]


def test_numbers_are_those_of_each_training_with_its_methods_scatter() -> None:
    numbers = retrained(both(FIRST, SECOND), METHODS).numbers
    assert set(numbers) == {*RUN, "again", "difference", "far", *SPREAD}
    assert len(numbers) == 2 * (len(FIRST) + len(SECOND))
    committed = SURE | VOID
    for line in numbers.itertuples():
        run = (line.method, line.parameter, line.seed)
        after = (FIRST if line.again == "again-0" else SECOND)[run]
        times = 1 if line.images == "bsd68" else 2
        assert line.difference == pytest.approx(times * (after - committed[run]))
    for (_, method), lines in numbers.groupby(["images", "method"]):
        # Of two trainings a run, the standard deviation is the root mean square difference over root 2.
        sd = math.sqrt(np.mean(lines["difference"] ** 2) / 2)
        assert lines["sd"].to_list() == pytest.approx([sd] * len(lines))
        assert (
            lines["degrees"].to_list()
            == [len(lines)] * len(lines)
            == [{"sure": 3}.get(method, 1)] * len(lines)
        )
        half = stats.t.ppf(0.975, len(lines)) * sd * math.sqrt(2)
        assert lines["half_width"].to_list() == pytest.approx([half] * len(lines))


def test_what_is_farther_than_the_methods_other_runs_let_expect_is_marked() -> None:
    runs: Means = {("sure", float(sigma), 0): 28.0 for sigma in range(10, 80, 10)}
    steady = [0.01, -0.01] * 3
    # Root 2 times the standard deviation of the six others is .01; 14 numbers have to hold together.
    edge = 0.01 * stats.t.ppf(1 - 0.025 / 14, 6)
    for last, mark in ((0.99 * edge, ""), (-1.01 * edge, "*")):
        again = scored(moved(runs, [*steady, last]))
        sheet = retrained(trainings_of(scored(runs), {"again": again}), ["sure"])
        assert [row[-1][6:] for row in sheet.rows[:14]] == [""] * 12 + [mark] * 2
        assert sheet.numbers["far"].sum() == 2 * len(mark)


def test_it_is_the_same_in_every_format() -> None:
    sheet = retrained(both(FIRST, SECOND, FIRST | moved(VOID, [0, 9])), METHODS)
    assert read_markdown(sheet.markdown()) == read_latex(sheet.latex()) == [sheet.header, *sheet.rows]
    assert "–: not trained again." in sheet.notes


def test_trainings_that_came_back_to_the_last_bit_have_differences_but_no_scatter() -> None:
    sheet = retrained(both(SURE), ["sure"])
    assert {row[-1] for row in sheet.rows[:6]} == {"+0.000"}
    assert {row[-1] for row in sheet.rows[6:]} == {"–"}
    assert sheet.numbers["difference"].to_list() == [0] * 6
    assert sheet.numbers[SPREAD[2:]].isna().all(axis=None)


def test_without_trainings_made_again_there_is_no_sheet() -> None:
    for trainings in (both(), both({("sure", 10.0, 0): 30.0})):
        with pytest.raises(InputError, match="none of these runs was trained again; name a reference"):
            retrained(trainings, METHODS)
