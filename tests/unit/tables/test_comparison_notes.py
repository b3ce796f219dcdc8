"""The notes of a comparison."""

from __future__ import annotations

from bench.analysis.columns import CELL
from bench.analysis.scatter import seed_scatter
from tests.support.results.comparisons import FILES, NEW_CODE, Made, compare_made, drawn, notes_of
from tests.support.results.scores import SEES, failed, failure, made_up


def test_too_few_images_have_no_verdict() -> None:
    scores = made_up(sets={"one": ["a.png"], "few": FILES[:5], "enough": FILES[:6]})
    table = compare_made(Made(scores), Made(scores.assign(psnr=scores["psnr"] + 1), changes=NEW_CODE))
    assert {(row[1], row[6]) for row in table.rows if row[1] == "one"} == {("one", "–")}
    assert {row[-1] for row in table.rows if row[1] != "enough"} == {"no difference shown"}
    assert [note.split(": ")[1] for note in notes_of(table, "Too few images")] == [
        "few has 5, and p is never below 0.0625 there.",
        "one has 1, and p is never below 1 there.",
    ]


def test_retraining_is_noted_for_each_side_that_has_two_seeds() -> None:
    many, one = drawn(seeds=[0, 1, 2]), drawn(seeds=[0])
    (note,) = notes_of(compare_made(Made(one), Made(many)), "Retraining")
    assert "standard deviation of a cell's mean PSNR in B on set12 between training runs with other" in note
    for method, scatter in seed_scatter(many).items():
        assert f"{method} {scatter.common.sd:.3f}" in note
    assert len(notes_of(compare_made(Made(many), Made(many)), "Retraining")) == 2
    table = compare_made(Made(one), Made(one))
    assert not notes_of(table, "Retraining")
    assert len(notes_of(table, "No cell of a trained method has two seeds")) == 1


def test_devices_may_differ_and_are_named_with_all_that_differs() -> None:
    changes = {
        "hardware": {"name": "another CPU"},
        "commit": "fedcba0987654321+changes",
        "versions": {"python": "3.11.7", "torch": "2.11.0"},
    }
    table = compare_made(Made(drawn(device="cpu")), Made(drawn(device="cuda"), changes={"all": changes}))
    assert len(table.rows) == len(SEES)
    assert notes_of(table, "Not the same") == [
        "Not the same: device: cpu in A, cuda in B.",
        "Not the same: hardware: one CPU in A, another CPU in B.",
        "Not the same: commit: 1234567890ab in A, fedcba098765+changes in B.",
        "Not the same: torch: 2.15.0 in A, 2.11.0 in B.",
    ]
    assert "cpu and cuda" in table.title
    assert table.notes[0] == "A: first/runs. B: second/runs."


def test_an_unknown_commit_is_noted() -> None:
    table = compare_made(Made(drawn()), Made(drawn(), changes={"sure": {"commit": None}}))
    assert notes_of(table, "Not the same") == [
        "Not the same: commit: 1234567890ab in A, 1234567890ab and unknown in B."
    ]


def test_unlike_precision_is_shown_not_refused() -> None:
    scores = made_up()
    other = scores.copy()
    changed = (scores["method"] == "sure") & (scores["noise"] == "gamma") & (scores["images"] == "set12")
    other.loc[changed, "precision"] = "bfloat16"
    table = compare_made(Made(scores), Made(other))
    assert notes_of(table, "Precision") == [
        "Precision of sure: float32 in A, bfloat16 in B: gamma k=50, set12."
    ]
    assert len(table.rows) == len(scores.drop_duplicates(CELL))


def test_failures_under_a_protocol_of_one_side_are_listed() -> None:
    broken = Made(drawn(), failed(failure(steps=7, error="out of memory")))
    notes = compare_made(Made(drawn()), broken).notes
    assert notes[-1] == "Failed in B: noise2void, gaussian σ=25, set12: seed 0: out of memory."
    assert "7 steps" in notes[-2]
    assert notes[-2].endswith("(1 cell).")
