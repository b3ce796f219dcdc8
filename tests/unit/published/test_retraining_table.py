"""Tables of repeated training runs: every difference and every scatter, computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.errors import InputError
from bench.published.retraining import RUN, training_runs
from bench.published.retraining_table import SCATTER_COLUMNS, retraining_table
from tests.support.markup import read_latex, read_markdown
from tests.support.results.retraining import SURE, VOID, Means, moved, repeat_training, scored

METHODS = ["noise2void", "sure", "supervised"]
FIRST = moved(SURE, [0.1, -0.2, 0.3])
SECOND = {("noise2void", 25.0, 0): 26.04}


def test_every_run_has_a_line_and_a_dash_where_it_was_not_trained_again() -> None:
    table = retraining_table(repeat_training(FIRST, SECOND), METHODS)
    assert table.header == ["noise", "test set", "seed", "trained again in", *METHODS]
    weak, strong = "gaussian σ=25", "gaussian σ=50"
    assert table.rows[:12] == [
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
    # The squares of .1, .2 and .3 over twice their number; of two, the difference over root 2.
    sd, void = math.sqrt(0.14 / 6), 0.04 / math.sqrt(2)
    apart, far = stats.t.ppf(0.975, 3) * math.sqrt(0.14 / 3), stats.t.ppf(0.975, 1) * 0.04
    assert table.rows[12:] == [
        ["standard deviation", "bsd68", "", "", f"{void:.3f} (1)", f"{sd:.3f} (3)", "–"],
        ["95 % of differences", "bsd68", "", "", f"±{far:.3f}", f"±{apart:.3f}", "–"],
        ["standard deviation", "set12", "", "", f"{2 * void:.3f} (1)", f"{2 * sd:.3f} (3)", "–"],
        ["95 % of differences", "set12", "", "", f"±{2 * far:.3f}", f"±{2 * apart:.3f}", "–"],
    ]


def test_numbers_hold_each_difference_and_the_scatter_of_its_method() -> None:
    numbers = retraining_table(repeat_training(FIRST, SECOND), METHODS).numbers
    assert set(numbers) == {*RUN, "again", "difference", "apart", *SCATTER_COLUMNS}
    assert len(numbers) == 2 * (len(FIRST) + len(SECOND))
    committed = SURE | VOID
    for line in numbers.itertuples():
        run = (line.method, line.parameter, line.seed)
        after = (FIRST if line.again == "again-0" else SECOND)[run]
        times = 1 if line.images == "bsd68" else 2
        assert line.difference == pytest.approx(times * (after - committed[run]))
    for (_, method), lines in numbers.groupby(["images", "method"]):
        # For two training runs, the standard deviation is the root mean square difference over root 2.
        sd = math.sqrt(np.mean(lines["difference"] ** 2) / 2)
        assert lines["sd"].to_list() == pytest.approx([sd] * len(lines))
        assert (
            lines["degrees"].to_list()
            == [len(lines)] * len(lines)
            == [{"sure": 3}.get(method, 1)] * len(lines)
        )
        half = stats.t.ppf(0.975, len(lines)) * sd * math.sqrt(2)
        assert lines["half_width"].to_list() == pytest.approx([half] * len(lines))


def test_noises_with_a_larger_scatter_are_marked_and_have_one_of_their_own() -> None:
    runs: Means = {("sure", float(sigma), 0): 28.0 for sigma in range(10, 80, 10)}
    steady = [0.1, -0.1] * 3
    # The variances are half the squares of the differences; seven noises are tested together.
    edge = 0.1 * math.sqrt(stats.f.isf(0.05 / 7, 1, 6))
    for last, mark in ((0.99 * edge, ""), (-1.01 * edge, "*")):
        again = scored(moved(runs, [*steady, last]))
        table = retraining_table(training_runs(scored(runs), {"again": again}), ["sure"])
        assert [row[-1][6:] for row in table.rows[:14]] == [""] * 12 + [mark] * 2
        assert table.numbers["apart"].sum() == 2 * len(mark)
        own = [row for row in table.rows if row[0] == "standard deviation, gaussian σ=70"]
        sds = [f"{times * abs(last) / math.sqrt(2):.3f} (1)*" for times in (1, 2)]
        assert [row[-1] for row in own] == (sds if mark else [])


def test_every_format_shows_the_same() -> None:
    table = retraining_table(repeat_training(FIRST, SECOND, FIRST | moved(VOID, [0, 9])), METHODS)
    assert read_markdown(table.markdown()) == read_latex(table.latex()) == [table.header, *table.rows]
    assert "–: not trained again." in table.notes


def test_runs_with_the_same_bits_have_differences_but_no_scatter() -> None:
    table = retraining_table(repeat_training(SURE), ["sure"])
    assert {row[-1] for row in table.rows[:6]} == {"+0.000"}
    assert {row[-1] for row in table.rows[6:]} == {"–"}
    assert table.numbers["difference"].to_list() == [0] * 6
    assert table.numbers[SCATTER_COLUMNS].isna().all(axis=None)


def test_a_table_without_repeated_training_runs_is_refused() -> None:
    for runs in (repeat_training(), repeat_training({("sure", 10.0, 0): 30.0})):
        with pytest.raises(InputError, match="none of these runs was trained again; name a reference"):
            retraining_table(runs, METHODS)
