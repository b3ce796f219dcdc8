"""Paired differences: what is paired with what, how often, and how many tests are corrected for."""

from __future__ import annotations

import math
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from bench.analysis.columns import CELL, ROW, CellKey
from bench.analysis.paired import Difference, difference_of
from bench.analysis.questions import differences_to
from bench.analysis.sign_flips import ALPHA, FLIPS, holm
from bench.errors import InputError
from bench.tables.paired_differences import changes, compare_with, format_difference
from tests.support.markup import read_latex, read_markdown
from tests.support.results.scores import SEES, SETS, cell_of, made_up, mean_difference

if TYPE_CHECKING:
    from pathlib import Path

    from bench.output.text_table import TextTable

TWO = ["noise2noise", "supervised"]


def uncorrected(table: TextTable, scores: pd.DataFrame) -> list[Difference]:
    return [
        difference_of(cell_of(scores, *line[:4]), cell_of(scores, *line[:3], line[4]))
        for line in table.numbers[[*CELL, "against"]].itertuples(index=False, name=None)
    ]


# Methods under one protocol


def test_differences_are_those_of_pandas() -> None:
    scores = made_up()
    # A seed that only one method has counts for none of its differences.
    scores = pd.concat([scores, made_up({"sure": SEES["sure"]}, seeds=[2], psnr=99.0)])
    numbers = compare_with(scores, TWO).numbers
    for *cell, reference, found in numbers[[*CELL, "against", "difference"]].itertuples(
        index=False, name=None
    ):
        expected = mean_difference(cell_of(scores, *cell), cell_of(scores, *cell[:3], reference))
        assert found == pytest.approx(expected, abs=1e-8)
    assert set(numbers["n_seeds"]) == {2}
    assert set(numbers["n_images"]) == {len(files) for files in SETS.values()}


def test_each_pair_is_tested_once() -> None:
    scores = made_up()
    numbers = compare_with(scores, TWO).numbers
    pairs = [
        (*row, frozenset(pair))
        for *row, method, reference in numbers[[*CELL, "against"]].itertuples(index=False, name=None)
        for pair in [(method, reference)]
    ]
    assert len(set(pairs)) == len(pairs)
    assert all(len(pair[-1]) == 2 for pair in pairs)
    rows = len(scores.drop_duplicates(ROW))
    assert len(pairs) == rows * ((len(SEES) - 1) + (len(SEES) - 2))


def test_p_is_corrected_over_the_tests_of_a_question() -> None:
    scores = made_up(sets={"set12": [f"{number}.png" for number in range(12)]})
    rng = np.random.default_rng(1)
    scores["psnr"] = 28 + scores["method"].map(len) / 10 + rng.normal(size=len(scores))
    table = compare_with(scores, TWO)
    raw = [pair.p for pair in uncorrected(table, scores)]
    expected = {reference: differences_to(scores, reference) for reference in TWO}
    for *cell, reference, p in table.numbers[[*CELL, "against", "p"]].itertuples(index=False, name=None):
        assert p == expected[reference][CellKey(*cell)].p
    assert list(table.numbers["p"]) != pytest.approx(raw, rel=0.1)
    assert "one question, here one reference: 8 tests on set12." in table.notes[0]
    marked = [text.endswith("°") for row in table.rows for text in row[3:] if text != "–"]
    assert marked == [p >= ALPHA for p in table.numbers["p"]]
    assert set(marked) == {True, False}


def test_rows_are_sorted_by_noise_and_columns_by_what_methods_see() -> None:
    scores = made_up(noises=[("gamma", 50.0), ("gaussian", 50.0), ("gamma", 100.0), ("gaussian", 25.0)])
    table = compare_with(scores, ["supervised"])
    assert table.header == [
        "noise",
        "test set",
        "",
        *("noise2void", "noise2score:domain=raw,formula=paper", "sure", "noise2noise", "supervised"),
    ]
    labels = ["gaussian σ=25", "gaussian σ=50", "gamma k=100", "gamma k=50"]
    assert [row[:3] for row in table.rows] == [
        [label, images, "− supervised"] for label in labels for images in ("bsd68", "set12")
    ]
    # The text of a cell is the difference of the method above it.
    texts = [text for row in table.rows for text in row[3:] if text != "–"]
    assert [text.split(" ")[0] for text in texts] == [
        f"{value:+.2f}".replace("-", "−") for value in table.numbers["difference"]
    ]
    assert [row[-1] for row in table.rows] == ["–"] * len(table.rows)


def test_the_order_of_scores_does_not_matter() -> None:
    tables = [compare_with(scores, TWO) for scores in (made_up(), made_up().iloc[::-1])]
    assert tables[0].markdown() == tables[1].markdown()
    assert tables[0].csv() == tables[1].csv()


def test_a_swapped_pair_has_the_other_sign() -> None:
    scores = made_up(dict.fromkeys(["one", "two"], "noisy"))
    differences = [compare_with(scores, [method]).numbers for method in ("one", "two")]
    for column, other in (("difference", "difference"), ("low", "high"), ("high", "low")):
        assert list(differences[0][column]) == pytest.approx(list(-differences[1][other]), abs=1e-9)
    assert list(differences[0]["p"]) == list(differences[1]["p"])


def test_a_method_missing_on_a_row_is_blank_there() -> None:
    scores = made_up()
    table = compare_with(scores[(scores["method"] != "sure") | (scores["noise"] != "gamma")], ["supervised"])
    column = table.header.index("sure")
    assert {row[0]: row[column] == "–" for row in table.rows} == {"gaussian σ=25": False, "gamma k=50": True}


def test_one_image_has_no_interval() -> None:
    scores = made_up(sets={"one": ["a.png"]})
    table = compare_with(scores, ["supervised"])
    texts = {text for row in table.rows for text in row[3:]} - {"–"}
    assert texts == {f"{value:+.2f}°".replace("-", "−") for value in table.numbers["difference"]}
    assert table.numbers[["low", "high", "p"]].isna().all(axis=None)


def test_unknown_methods_are_named() -> None:
    with pytest.raises(InputError, match="no scores of bm3d, nought to compare with"):
        compare_with(made_up(), ["supervised", "nought", "bm3d"])


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        (Difference(-0.126, -0.2, 0.014, ALPHA, 12, 1), "−0.13 [−0.20, +0.01]°"),
        (Difference(0.126, 0.1, 0.2, np.nextafter(ALPHA, 0), 12, 1), "+0.13 [+0.10, +0.20]"),
        (Difference(0.126, math.nan, math.nan, math.nan, 1, 1), "+0.13°"),
    ],
)
def test_a_difference_is_written_with_interval_and_mark(pair: Difference, text: str) -> None:
    assert format_difference(pair) == text


# Protocols for one method


def test_a_protocol_does_not_differ_from_itself() -> None:
    table = changes(made_up(), made_up().iloc[::-1], title="Nothing")
    assert len(table.rows) == len(made_up().drop_duplicates(CELL))
    assert {tuple(row[3:]) for row in table.rows} == {("+0.00 [+0.00, +0.00]°", "1", "2")}
    assert (table.numbers[["difference", "low", "high"]] == 0).all(axis=None)
    assert (table.numbers["p"] == 1).all()


def test_a_change_pairs_the_same_noisy_images() -> None:
    scores, other = made_up(seeds=(0, 1, 2)), made_up(seeds=(3, 2, 1), training_noise="resampled")
    # What an image or a draw of noise does to both is far larger than the change, and must drop out.
    files = sorted(set(scores["image"]))
    change = {file: 0.1 * 2**place for place, file in enumerate(files)}
    for lines in (scores, other):
        lines["psnr"] = 20 + 10.0 * lines["image"].map(files.index) + 100.0 * lines["seed"]
    other["psnr"] -= other["image"].map(change)
    table = changes(scores, other, title="Redrawn")
    assert set(table.numbers["n_seeds"]) == {2}
    for line in table.numbers.itertuples():
        expected = np.mean([change[file] for file in SETS[line.images]])
        assert line.difference == pytest.approx(expected, abs=1e-8)
        assert line.low >= min(change[file] for file in SETS[line.images]) - 1e-8


def test_changes_are_corrected_over_all_of_them() -> None:
    files = {"set12": [f"{number}.png" for number in range(12)]}
    scores = made_up(sets=files)
    rng = np.random.default_rng(3)
    other = scores.assign(psnr=scores["psnr"] + rng.normal(0.05, 0.1, size=len(scores)))
    table = changes(scores, other, title="Noise")
    raw = [
        difference_of(cell_of(scores, *cell), cell_of(other, *cell)).p
        for cell in table.numbers[CELL].itertuples(index=False, name=None)
    ]
    assert list(table.numbers["p"]) == pytest.approx(holm(raw), rel=1e-12)
    assert len(raw) == len(SEES) * 2
    assert f"here this table: {len(raw)} tests on set12." in table.notes[0]
    assert [row[4] for row in table.rows] == [f"{p:.2g}" for p in table.numbers["p"]]


def test_a_small_p_is_not_written_as_zero() -> None:
    scores = made_up({"sure": "noisy"}, sets={"many": [f"{number:02}.png" for number in range(60)]})
    rng = np.random.default_rng(4)
    other = scores.assign(psnr=scores["psnr"] - rng.uniform(0.1, 0.2, size=len(scores)))
    table = changes(scores, other, title="Shift")
    in_csv = [float(line.split(",")[-3]) for line in table.csv().splitlines()[1:]]
    assert in_csv == pytest.approx(list(table.numbers["p"]), rel=0.005)
    assert set(table.numbers["p"]) == {2 / FLIPS}


def test_cells_of_one_protocol_alone_are_left_out() -> None:
    scores = made_up()
    few = scores[(scores["method"] == "sure") & (scores["noise"] == "gamma")]
    table = changes(scores, few, title="A few")
    assert [row[:3] for row in table.rows] == [["gamma k=50", name, "sure"] for name in ("bsd68", "set12")]
    with pytest.raises(InputError, match="A few: the two protocols share no cell"):
        changes(scores[scores["noise"] != "gamma"], few, title="A few")


# Formats


EVIL = {"a|b<c>": "noisy", "50%_x": "noisy", "supervised": "noisy + clean"}


@pytest.mark.parametrize("kind", ["against", "changes"])
def test_every_format_shows_the_same_whatever_the_names(tmp_path: Path, kind: str) -> None:
    scores = made_up(EVIL)
    if kind == "against":
        table = compare_with(scores, list(EVIL)[:2])
    else:
        table = changes(scores, scores.assign(psnr=scores["psnr"] + 0.01), title="a|b<c> & 50%_x")
    markdown, _, latex = (file.read_text("utf-8") for file in table.write(tmp_path, "table"))
    assert read_markdown(markdown) == read_latex(latex) == [table.header, *table.rows]
    assert latex.isascii()
    assert "<c>" not in markdown
    numbers = pd.read_csv(tmp_path / "table.csv")
    assert list(numbers["method"]) == list(table.numbers["method"])
    texts = [text for row in table.rows for text in row[3:] if "[" in text]
    assert [text.split(" ")[0] for text in texts] == [
        f"{value:+.2f}".replace("-", "−") for value in numbers["difference"]
    ]


# What orders of methods leave alone


def test_the_order_of_references_changes_no_difference() -> None:
    scores = made_up()
    found = []
    for order in permutations(TWO):
        numbers = compare_with(scores, list(order)).numbers
        swapped = numbers["method"].isin(TWO)
        both = numbers[["method", "against"]].apply(sorted, axis=1).map(tuple)
        signs = np.where(swapped & (numbers["method"] > numbers["against"]), -1, 1)
        key = pd.MultiIndex.from_arrays([*(numbers[column] for column in ROW), both])
        found.append(pd.Series(signs * numbers["difference"].to_numpy(), index=key).sort_index())
    pd.testing.assert_series_equal(*found, atol=1e-12)
