"""Why a cell has no number of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.published.reproduction import reproduce
from bench.published.side_by_side import (
    unpublished_table,
)
from tests.support.results.references import publish, published_numbers
from tests.support.results.scores import NO_FAILURES, failed, failure, made_up
from tests.support.results.side_by_side import (
    METHODS,
    NOT_RUN,
    ROWS,
    block,
    blocks,
    letters,
    reason,
    side_by_side,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bench.published.table import Published


def test_each_blank_cell_has_its_reason(tmp_path: Path) -> None:
    methods = ["epll", "sure (blind)", *METHODS]
    published = publish(tmp_path, published_numbers([*ROWS, NOT_RUN], methods))
    scores = made_up()
    scores = scores[(scores["method"] != "noise2void") | (scores["images"] != "set12")]
    table = side_by_side(published, scores, failed(failure(), failure(noise="gamma", parameter=50.0)))
    _, ours, difference = block(table, ("gaussian", 25.0, "set12"))
    assert reason(table, ours[1]) == "the benchmark has no entry of this name."
    assert reason(table, ours[2]) == "not among the runs of this reference."
    assert reason(table, ours[5]) == "failed: seed 0: the loss is nan at step 120."
    assert [difference[place] for place in (1, 2, 5)] == [""] * 3
    ((stub, *printed),) = block(table, NOT_RUN)
    kind, _, letter = stub.partition(" ")
    assert (kind, reason(table, letter)) == (
        "published",
        "no run of this reference was scored on this test set.",
    )
    assert printed == [f"{psnr:.2f}" for psnr in published.cells["psnr"][-len(methods) :]]
    shown, explained = letters(table)
    assert shown == set(explained)
    assert len(shown) == len(explained) == 4
    blank = table.numbers["psnr"].isna()
    texts = [text for rows in blocks(table).values() if len(rows) == 3 for text in rows[1][1:]]
    assert blank.sum() == sum(text.startswith("(") for text in texts) + len(methods)


def test_a_row_whose_noise_was_not_run_has_one_reason(tmp_path: Path) -> None:
    row = ("poisson", 0.05, "set12")
    table = side_by_side(publish(tmp_path, published_numbers([row, ROWS[0]], ["sure", "epll"])), made_up())
    ((stub, *_),) = block(table, row)
    assert reason(table, stub.removeprefix("published ")) == "not among the runs of this reference."
    shown, explained = letters(table)
    assert shown == set(explained)
    assert len(explained) == 2


def test_a_row_in_which_all_failed_has_a_reason_for_each(published: Published) -> None:
    scores = made_up()
    row = ("gamma", 50.0, "set12")
    scores = scores[(scores["noise"] != "gamma") | (scores["images"] != "set12")]
    where = {"noise": row[0], "parameter": row[1], "images": row[2]}
    failures = failed(
        failure("sure", **where, error="it diverged"), failure("noise2void", **where, error="out of memory")
    )
    table = side_by_side(published, scores, failures)
    _, ours, difference = block(table, row)
    assert ours[0] == "ours, 0 seeds"
    assert [reason(table, letter) for letter in ours[1:]] == [
        "not among the runs of this reference.",
        "failed: seed 0: it diverged.",
        "failed: seed 0: out of memory.",
    ]
    assert difference == ["difference", "", "", ""]


def test_a_failure_of_an_unpublished_method_is_explained(published: Published) -> None:
    scores = made_up()
    scores = scores[scores["method"].isin(METHODS)]
    assert unpublished_table(reproduce(published, scores, NO_FAILURES)) is None
    table = unpublished_table(reproduce(published, scores, failed(failure("noise2noise"))))
    ((label, images, _, text),) = table.rows
    assert (label, images) == ("gaussian σ=25", "set12")
    assert reason(table, text) == "failed: seed 0: the loss is nan at step 120."
