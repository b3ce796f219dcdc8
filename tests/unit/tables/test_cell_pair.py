"""Cells that both folders have: differences, verdicts and ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.analysis.columns import CELL
from bench.analysis.comparability import SAME_SCORE
from bench.analysis.paired import difference_of
from bench.analysis.scatter import MOST_ALLOWED, seed_scatter
from bench.analysis.sign_flips import holm
from bench.tables.cell_pair import BEYOND, WITHIN
from tests.support.results.comparisons import FILES, NEW_CODE, Made, column, compare_made, drawn
from tests.support.results.scores import SEES, cell_of, made_up, mean_difference

if TYPE_CHECKING:
    import pandas as pd


def moved_by(shift: float, scores: pd.DataFrame) -> pd.DataFrame:
    """Move all scores, a little more or less from image to image."""
    factors = np.random.default_rng(5).uniform(0.9, 1.1, len(FILES))
    return scores.assign(
        psnr=scores["psnr"] + shift * scores["image"].map(dict(zip(FILES, factors, strict=True)))
    )


@pytest.mark.parametrize("shift", [0.05, -0.05, 0.3, -0.3])
def test_the_same_runs_are_neither_better_nor_worse(shift: float) -> None:
    scores = drawn(seeds=[0])
    table = compare_made(Made(scores), Made(moved_by(shift, scores)))
    assert (table.numbers["p"] < 0.05).all()
    expected = WITHIN if abs(shift) < MOST_ALLOWED else BEYOND
    assert column(table, "verdict") == dict.fromkeys(SEES, expected)


def test_a_difference_within_the_scatter_of_training_runs_is_not_better() -> None:
    scores = drawn(seeds=[0, 1])
    scores["psnr"] += 0.1 * scores["seed"]  # so that a cell's mean scatters between the seeds
    allowed = {method: scatter.common.retraining() for method, scatter in seed_scatter(scores).items()}
    for factor, expected in ((0.8, WITHIN), (1.3, "better")):
        moved = scores.copy()
        for method, limit in allowed.items():
            of_method = scores["method"] == method
            moved.loc[of_method, "psnr"] = moved_by(factor * limit, scores[of_method])["psnr"]
        table = compare_made(Made(scores), Made(moved, changes=NEW_CODE))
        assert column(table, "verdict") == dict.fromkeys(SEES, expected)


def test_identical_folders_are_the_same_everywhere() -> None:
    scores = made_up()
    table = compare_made(Made(scores), Made(scores.iloc[::-1]))
    assert len(table.rows) == len(scores.drop_duplicates(CELL))
    expected = ["+0.00 [+0.00, +0.00]°", "1", "2", "same", "1.00", "same"]
    assert [row[5:] for row in table.rows] == [expected] * len(table.rows)
    assert [row[3] for row in table.rows] == [row[4] for row in table.rows]
    assert (table.numbers[["difference", "low", "high"]] == 0).all(axis=None)
    assert not [note for note in table.notes if note.startswith(("Not the same", "Only in", "Failed"))]


def test_a_known_shift_is_found_and_changes_its_sign_when_swapped() -> None:
    scores = drawn(seeds=[0])
    shifts = dict.fromkeys(SEES, 0.0) | {"sure": 0.25, "supervised": -0.5}
    rng = np.random.default_rng(5)
    moved = scores.assign(
        psnr=scores["psnr"] + scores["method"].map(shifts) * rng.uniform(0.9, 1.1, len(scores))
    )
    a, b = Made(scores), Made(moved, changes=NEW_CODE)
    tables = [compare_made(a, b), compare_made(b, a)]
    for table, sign in zip(tables, (1, -1), strict=True):
        found = table.numbers.set_index("method")
        for method, shift in shifts.items():
            assert found["difference"][method] == pytest.approx(sign * shift, abs=0.05 * abs(shift))
            expected = sign * mean_difference(
                cell_of(moved, "gaussian", 25.0, "set12", method),
                cell_of(scores, "gaussian", 25.0, "set12", method),
            )
            assert found["difference"][method] == pytest.approx(expected, abs=1e-8)
        gap = found["psnr_b"] - found["psnr_a"]
        assert list(gap) == pytest.approx(list(found["difference"]), abs=1e-8)
    up, down = (column(table, "verdict") for table in tables)
    unmoved = dict.fromkeys(SEES, "same")
    assert up == unmoved | {"sure": "better", "supervised": "worse"}
    assert down == unmoved | {"sure": "worse", "supervised": "better"}
    for one, other in (("low", "high"), ("high", "low"), ("difference", "difference")):
        assert list(tables[0].numbers[one]) == pytest.approx(list(-tables[1].numbers[other]), abs=1e-9)


def test_same_holds_for_every_image_and_chance_is_no_difference() -> None:
    scores = drawn(seeds=[0])
    first = scores["image"] == FILES[0]
    moves = {"sure": 0.9 * SAME_SCORE, "noise2void": np.where(first, 2 * SAME_SCORE, 0)}
    moved = scores.copy()
    for method, move in moves.items():
        moved["psnr"] += np.where(moved["method"] == method, move, 0)
    table = compare_made(Made(scores), Made(moved, changes=NEW_CODE))
    verdicts = column(table, "verdict")
    # The move of sure is of one sign on all images, yet of no size.
    assert table.numbers.set_index("method")["p"]["sure"] < 0.05
    assert verdicts == dict.fromkeys(SEES, "same") | {"noise2void": "no difference shown"}


def test_p_is_corrected_over_the_table() -> None:
    scores = drawn(seeds=[0])
    rng = np.random.default_rng(3)
    moved = scores.assign(psnr=scores["psnr"] + rng.normal(0.06, 0.1, size=len(scores)))
    numbers = compare_made(Made(scores), Made(moved, changes=NEW_CODE)).numbers
    raw = [
        difference_of(cell_of(moved, *cell), cell_of(scores, *cell)).p
        for cell in numbers[CELL].itertuples(index=False, name=None)
    ]
    assert list(numbers["p"]) == pytest.approx(holm(raw), rel=1e-12)
    # One of them is below the level by itself, and not after the correction.
    assert any(before < 0.05 <= after for before, after in zip(raw, numbers["p"], strict=True))
    assert list(numbers["verdict"] == "better") == [p < 0.05 for p in numbers["p"]]


def test_only_common_seeds_count_for_every_number_of_a_row() -> None:
    a = drawn(seeds=[0, 1])
    b = drawn(seeds=[1, 2])
    for scores in (a, b):
        scores["psnr"] = 30.0 + 5 * scores["seed"] + scores["image"].map(FILES.index) / 7
        scores["training_seconds"] = 100.0 * (1 + scores["seed"])
    b["psnr"] += 0.5
    b["training_seconds"] *= 3
    numbers = compare_made(Made(a), Made(b)).numbers
    assert set(numbers["n_seeds"]) == {1}
    assert list(numbers["difference"]) == pytest.approx([0.5] * len(SEES))
    assert list(numbers["psnr_a"]) == pytest.approx([35 + 5.5 / 7] * len(SEES))
    assert list(numbers["seconds_ratio"]) == pytest.approx([3.0] * len(SEES))


def test_untrained_methods_have_no_ratio_of_seconds() -> None:
    scores = drawn()
    scores.loc[scores["method"] == "sure", "training_seconds"] = 0.0
    table = compare_made(Made(scores), Made(scores))
    assert column(table, "seconds B/A") == dict.fromkeys(SEES, "1.00") | {"sure": "–"}
    assert table.numbers.set_index("method")["seconds_ratio"].isna().sum() == 1
