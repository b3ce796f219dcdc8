"""Which runs are compared with a published table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.analysis.columns import CELL
from bench.errors import InputError
from bench.published.reproduction import reproduce
from bench.published.side_by_side import (
    side_by_side_table,
)
from tests.support.results.references import publish, published_numbers
from tests.support.results.scores import NO_FAILURES, SEES, failed, failure, made_up
from tests.support.results.side_by_side import METHODS, ROWS, block, reason, side_by_side

if TYPE_CHECKING:
    from pathlib import Path

    from bench.published.table import Published


def test_runs_of_other_setups_are_never_included(published: Published) -> None:
    expected = side_by_side(published, made_up())
    others = [
        made_up(training_noise="resampled", psnr=10.0),
        made_up(training_images="bsd400+starfish", psnr=10.0),
        made_up(training_images="bsd400-tune", steps=7, psnr=10.0),
    ]
    failures = failed(failure(seed=7, training_noise="resampled"), failure(seed=7, training_images="bsd500"))
    table = side_by_side(published, pd.concat([*others, made_up()]), failures)
    pd.testing.assert_frame_equal(table.numbers, expected.numbers)
    assert (table.rows, table.notes) == (expected.rows, expected.notes)


def test_resampled_runs_are_compared_with_a_table_that_asks_for_them(tmp_path: Path) -> None:
    redrawn = publish(tmp_path, published_numbers(ROWS, METHODS), training_noise="resampled")
    table = side_by_side(redrawn, pd.concat([made_up(training_noise="resampled", psnr=10.0), made_up()]))
    assert set(table.numbers["psnr"]) == {10.0}
    assert any("resampled noise" in note for note in table.notes)


def test_the_order_of_scores_changes_nothing(published: Published) -> None:
    tables = [side_by_side(published, scores) for scores in (made_up(), made_up().iloc[::-1])]
    assert tables[0].markdown() == tables[1].markdown()
    assert tables[0].csv() == tables[1].csv()


@pytest.mark.parametrize("changes", [{"width": 24}, {"steps": 7}, {"device": "cpu"}, {"protocol": 2}])
def test_two_protocols_of_one_training_set_are_refused(published: Published, changes: dict) -> None:
    (value,) = changes.values()
    with pytest.raises(InputError, match=rf"must share a protocol, but there are: .*{value}"):
        reproduce(published, pd.concat([made_up(), made_up(**changes)]), NO_FAILURES)


def test_two_training_sets_are_accepted_if_they_share_no_row(tmp_path: Path) -> None:
    rows = [*ROWS, ("gaussian", 25.0, "cbsd68")]
    published = publish(tmp_path, published_numbers(rows, METHODS), training_images=["bsd400", "cbsd432"])
    colour = made_up(
        training_images="cbsd432", channels=3, noises=[("gaussian", 25.0)], sets={"cbsd68": "ab"}
    )
    table = side_by_side(published, pd.concat([colour, made_up()]))
    grey = table.numbers["images"] != "cbsd68"
    expected = side_by_side(published, made_up()).numbers
    pd.testing.assert_frame_equal(table.numbers[grey], expected[grey], check_dtype=False)
    assert list(table.numbers["n_images"][~grey]) == [2] * len(METHODS)
    named = [note for note in table.notes if note.startswith("Ours: ")]
    assert [note.split(",")[0] for note in named] == ["Ours: bsd400", "Ours: cbsd432"]
    # The seeds differ, so that nothing else distinguishes the two.
    colour = made_up(training_images="cbsd432", seeds=(2, 3))
    with pytest.raises(InputError, match="runs of bsd400 and cbsd432 were scored on gaussian σ=25, "):
        reproduce(published, pd.concat([made_up(), colour]), NO_FAILURES)


def test_a_reference_without_comparable_runs_is_refused(published: Published) -> None:
    for scores in (pd.DataFrame(), made_up(training_noise="resampled")):
        with pytest.raises(InputError, match="no runs"):
            reproduce(published, scores, NO_FAILURES)


def test_seeds_that_did_not_fail_are_not_averaged(published: Published) -> None:
    scores = made_up()
    crashed = (scores["method"] == "noise2void") & (scores["noise"] == "gaussian") & (scores["seed"] == 0)
    failures = failed(failure(), failure(images="bsd68"))
    reproduction = reproduce(published, scores[~crashed], failures)
    table = side_by_side_table(reproduction)
    for row in ROWS[:2]:
        _, ours, _ = block(table, row)
        assert reason(table, ours[3]).startswith("failed: seed 0")
    diverging = table.numbers[(table.numbers["method"] == "noise2void")]
    assert list(diverging["psnr"].isna()) == [row[0] == "gaussian" for row in ROWS]
    shown = reproduction.scores[CELL].drop_duplicates()
    assert len(shown) == len(ROWS) * len(SEES) - 2
    # A failure does not count if the run later finished.
    complete = side_by_side(published, scores, failures)
    pd.testing.assert_frame_equal(complete.numbers, side_by_side(published, scores).numbers)
