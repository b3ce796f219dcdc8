"""Families of tests: one test set and one question."""

from __future__ import annotations

import numpy as np
import pytest

from bench.analysis.grouping import by_cell
from bench.analysis.paired import difference_of
from bench.analysis.questions import cell_differences, differences_to
from bench.analysis.sign_flips import holm
from tests.support.results.scores import SEES, cell_of, made_up

FILES = {
    "set12": [f"{number}.png" for number in range(12)],
    "bsd68": [f"{number}.png" for number in range(9)],
}


def noisy_scores():
    scores = made_up(sets=FILES)
    rng = np.random.default_rng(1)
    scores["psnr"] = 28 + scores["method"].map(len) / 10 + rng.normal(size=len(scores))
    return scores


def test_p_is_corrected_over_the_noises_and_methods_of_a_test_set() -> None:
    scores = noisy_scores()
    found = differences_to(scores, "supervised")
    assert len(found) == 2 * 2 * (len(SEES) - 1)
    for images in FILES:
        cells = [cell for cell in found if cell.images == images]
        raw = [
            difference_of(cell_of(scores, *cell), cell_of(scores, *cell[:3], "supervised")).p
            for cell in cells
        ]
        assert [found[cell].p for cell in cells] == pytest.approx(holm(raw), rel=1e-12)


def test_another_test_set_or_question_changes_nothing() -> None:
    scores = noisy_scores()
    alone = differences_to(scores[scores["images"] == "set12"], "supervised")
    together = differences_to(scores, "supervised")
    assert alone == {cell: pair for cell, pair in together.items() if cell.images == "set12"}


def test_rows_without_the_reference_are_left_out() -> None:
    scores = noisy_scores()
    some = scores[(scores["method"] != "supervised") | (scores["noise"] == "gamma")]
    assert {cell.noise for cell in differences_to(some, "supervised")} == {"gamma"}


def test_cells_of_one_side_alone_are_left_out() -> None:
    parts = by_cell(noisy_scores())
    few = dict(list(parts.items())[:3])
    assert list(cell_differences(parts, few)) == list(few)
    assert cell_differences(parts, {}) == {}
