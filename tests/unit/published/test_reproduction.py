"""Our numbers beside published ones: which runs count, what stands in a cell, and why one is blank."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.analysis.columns import CELL, ROW, noise_label
from bench.analysis.statistics import Mean, mean_of
from bench.errors import InputError
from bench.output.markup import signed
from bench.published.reproduction import SUSPECT, beside, lacking, reproduce, with_interval
from tests.support.markup import read_latex, read_markdown
from tests.support.references import print_numbers, publish
from tests.support.scores import NO_FAILURES, SEES, failed, failure, made_up

if TYPE_CHECKING:
    from pathlib import Path

    from bench.output.text_table import TextTable
    from bench.published.table import Published

# Neither in the order of noises, sets or methods that other tables have.
ROWS = [
    ("gaussian", 25.0, "set12"),
    ("gaussian", 25.0, "bsd68"),
    ("gamma", 50.0, "bsd68"),
    ("gamma", 50.0, "set12"),
]
METHODS = ["supervised", "sure", "noise2void"]
ABSENT = ("gaussian", 25.0, "kodak24")


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return publish(tmp_path, print_numbers(ROWS, METHODS))


def side_by_side(
    published: Published, scores: pd.DataFrame, failures: pd.DataFrame = NO_FAILURES
) -> TextTable:
    return beside(reproduce(published, scores, failures))


def blocks(sheet: TextTable) -> dict[tuple[str, str], list[list[str]]]:
    """Part the rows by noise and test set."""
    starts = [place for place, row in enumerate(sheet.rows) if row[0]] + [len(sheet.rows)]
    parts = [sheet.rows[start:end] for start, end in pairwise(starts)]
    return {(part[0][0], part[0][1]): [row[2:] for row in part] for part in parts}


def block(sheet: TextTable, row: tuple[str, float, str]) -> list[list[str]]:
    return blocks(sheet)[noise_label(row[0], row[1]), row[2]]


def reason(sheet: TextTable, letter: str) -> str:
    """Give the explanation of a letter, such as ``(a)``."""
    (note,) = [note for note in sheet.notes if note.startswith(f"{letter} ")]
    return note.removeprefix(f"{letter} ")


def letters(sheet: TextTable) -> tuple[set[str], list[str]]:
    """List the letters of the cells and those of the notes."""
    shown = {found for row in sheet.rows for text in row for found in re.findall(r"\([a-z]\)", text)}
    return shown, [note[:3] for note in sheet.notes if re.match(r"\([a-z]\) ", note)]


# Numbers


def test_means_and_differences_are_plain_ones(published: Published) -> None:
    scores = made_up()
    numbers = side_by_side(published, scores).numbers
    plain = scores.groupby([*CELL, "image"])["psnr"].mean().groupby(CELL).mean()
    assert len(numbers) == len(published.cells) == len(ROWS) * len(METHODS)
    for line, (_, *cell, psnr, _) in zip(
        numbers.itertuples(), published.cells.itertuples(index=False, name=None), strict=True
    ):
        assert [getattr(line, column) for column in CELL] == cell
        assert line.published == psnr
        assert line.psnr == pytest.approx(plain[tuple(cell)], abs=1e-10)
        assert line.difference == pytest.approx(plain[tuple(cell)] - psnr, abs=1e-10)
        lines = scores[(scores[CELL] == cell).all(axis=1)]
        assert (line.n_images, line.n_seeds) == (lines["image"].nunique(), 2)
        assert line.half_width == mean_of(lines).half_width


def test_the_text_says_what_the_numbers_say(published: Published) -> None:
    sheet = side_by_side(published, made_up())
    assert sheet.header == ["noise", "test set", "", *METHODS]
    assert list(blocks(sheet)) == [(noise_label(*row[:2]), row[2]) for row in ROWS]
    for row in ROWS:
        lines = sheet.numbers[(sheet.numbers[ROW] == list(row)).all(axis=1)]
        assert block(sheet, row) == [
            ["published", *(f"{value:.2f}" for value in lines["published"])],
            [
                "ours, 2 seeds",
                *(
                    f"{mean:.2f} ±{half:.2f}"
                    for mean, half in zip(lines["psnr"], lines["half_width"], strict=True)
                ),
            ],
            ["difference", *(f"{value:+.2f}".replace("-", "−") for value in lines["difference"])],
        ]


@pytest.mark.parametrize(
    ("mean", "of_seeds", "text"),
    [
        (Mean(29.126, 0.054, 12, 3), 3, "29.13 ±0.05"),
        (Mean(29.126, 0.054, 12, 1), 3, "29.13 ±0.05 (1 seed)"),
        (Mean(29.126, 0.054, 12, 2), 3, "29.13 ±0.05 (2 seeds)"),
        (Mean(29.126, math.nan, 1, 1), 1, "29.13"),
    ],
)
def test_a_mean_comes_with_what_bears_it_out(mean: Mean, of_seeds: int, text: str) -> None:
    assert with_interval(mean, of_seeds=of_seeds) == text


def test_a_sign_is_always_written() -> None:
    assert [signed(value) for value in (-0.126, 0.0, 12.3)] == ["−0.13", "+0.00", "+12.30"]


def test_fewer_seeds_than_others_are_said(published: Published) -> None:
    scores = made_up(seeds=(0, 1, 2))
    sheet = side_by_side(published, scores[(scores["method"] != "sure") | (scores["seed"] == 2)])
    for row in ROWS:
        _, ours, _ = block(sheet, row)
        assert ours[0] == "ours, 3 seeds"
        assert [text.partition(" (")[2] for text in ours[1:]] == ["", "1 seed)", ""]


def test_a_suspect_number_is_marked_and_explained(tmp_path: Path) -> None:
    numbers = print_numbers(ROWS, METHODS)
    wrong = (numbers["images"] == "set12") & (numbers["noise"] == "gamma")
    numbers.loc[wrong & (numbers["method"] != "sure"), "suspect"] = "a misprint"
    sheet = side_by_side(publish(tmp_path, numbers), made_up())
    assert [note for note in sheet.notes if note.startswith(SUSPECT)] == [
        "† suspect: gamma k=50, set12: a misprint."
    ]
    marked = [text for row in sheet.rows for text in row if SUSPECT in text]
    assert marked == [f"{psnr:.2f}†" for psnr in numbers.loc[numbers["suspect"] != "", "psnr"]]
    assert list(sheet.numbers["suspect"]) == list(numbers["suspect"])


def test_what_was_not_published_has_no_difference(tmp_path: Path) -> None:
    numbers = print_numbers(ROWS, METHODS)
    sheet = side_by_side(publish(tmp_path, numbers.drop(index=4)), made_up())
    printed, ours, difference = block(sheet, ROWS[1])
    column = 1 + METHODS.index(numbers["method"][4])
    assert (printed[column], difference[column]) == ("–", "")
    assert "±" in ours[column]
    assert "–: not published." in sheet.notes
    assert sheet.numbers[["published", "difference"]].isna().sum().tolist() == [1, 1]


# Which runs count


def test_other_trainings_are_never_mixed_in(published: Published) -> None:
    expected = side_by_side(published, made_up())
    others = [
        made_up(training_noise="resampled", psnr=10.0),
        made_up(training_images="bsd400+starfish", psnr=10.0),
        made_up(training_images="bsd400-tune", steps=7, psnr=10.0),
    ]
    failures = failed(failure(seed=7, training_noise="resampled"), failure(seed=7, training_images="bsd500"))
    sheet = side_by_side(published, pd.concat([*others, made_up()]), failures)
    pd.testing.assert_frame_equal(sheet.numbers, expected.numbers)
    assert (sheet.rows, sheet.notes) == (expected.rows, expected.notes)


def test_resampled_runs_stand_beside_a_table_that_asks_for_them(tmp_path: Path) -> None:
    redrawn = publish(tmp_path, print_numbers(ROWS, METHODS), training_noise="resampled")
    sheet = side_by_side(redrawn, pd.concat([made_up(training_noise="resampled", psnr=10.0), made_up()]))
    assert set(sheet.numbers["psnr"]) == {10.0}
    assert any("resampled noise" in note for note in sheet.notes)


def test_the_order_of_scores_does_not_count(published: Published) -> None:
    sheets = [side_by_side(published, scores) for scores in (made_up(), made_up().iloc[::-1])]
    assert sheets[0].markdown() == sheets[1].markdown()
    assert sheets[0].csv() == sheets[1].csv()


@pytest.mark.parametrize("changes", [{"width": 24}, {"steps": 7}, {"device": "cpu"}, {"protocol": 2}])
def test_two_protocols_of_one_training_set_are_refused(published: Published, changes: dict) -> None:
    (value,) = changes.values()
    with pytest.raises(InputError, match=rf"must share a protocol, but there are: .*{value}"):
        reproduce(published, pd.concat([made_up(), made_up(**changes)]), NO_FAILURES)


def test_training_sets_stand_together_where_they_share_no_row(tmp_path: Path) -> None:
    rows = [*ROWS, ("gaussian", 25.0, "cbsd68")]
    table = publish(tmp_path, print_numbers(rows, METHODS), training_images=["bsd400", "cbsd432"])
    colour = made_up(
        training_images="cbsd432", channels=3, noises=[("gaussian", 25.0)], sets={"cbsd68": "ab"}
    )
    sheet = side_by_side(table, pd.concat([colour, made_up()]))
    grey = sheet.numbers["images"] != "cbsd68"
    expected = side_by_side(table, made_up()).numbers
    pd.testing.assert_frame_equal(sheet.numbers[grey], expected[grey], check_dtype=False)
    assert list(sheet.numbers["n_images"][~grey]) == [2] * len(METHODS)
    named = [note for note in sheet.notes if note.startswith("Ours: ")]
    assert [note.split(",")[0] for note in named] == ["Ours: bsd400", "Ours: cbsd432"]
    # The seeds differ, so that nothing else would tell the two apart.
    colour = made_up(training_images="cbsd432", seeds=(2, 3))
    with pytest.raises(InputError, match="runs of bsd400 and cbsd432 were scored on gaussian σ=25, "):
        reproduce(table, pd.concat([made_up(), colour]), NO_FAILURES)


def test_nothing_to_stand_beside_a_table_is_refused(published: Published) -> None:
    for scores in (pd.DataFrame(), made_up(training_noise="resampled")):
        with pytest.raises(InputError, match="no runs"):
            reproduce(published, scores, NO_FAILURES)


# Why a cell is blank


def test_each_blank_cell_says_why(tmp_path: Path) -> None:
    methods = ["epll", "sure (blind)", *METHODS]
    table = publish(tmp_path, print_numbers([*ROWS, ABSENT], methods))
    scores = made_up()
    scores = scores[(scores["method"] != "noise2void") | (scores["images"] != "set12")]
    sheet = side_by_side(table, scores, failed(failure(), failure(noise="gamma", parameter=50.0)))
    _, ours, difference = block(sheet, ("gaussian", 25.0, "set12"))
    assert reason(sheet, ours[1]) == "the benchmark has no entry of this name."
    assert reason(sheet, ours[2]) == "not among the runs of this reference."
    assert reason(sheet, ours[5]) == "failed: seed 0: the loss is nan at step 120."
    assert [difference[place] for place in (1, 2, 5)] == [""] * 3
    ((stub, *printed),) = block(sheet, ABSENT)
    kind, _, letter = stub.partition(" ")
    assert (kind, reason(sheet, letter)) == (
        "published",
        "no run of this reference was scored on this test set.",
    )
    assert printed == [f"{psnr:.2f}" for psnr in table.cells["psnr"][-len(methods) :]]
    shown, explained = letters(sheet)
    assert shown == set(explained)
    assert len(shown) == len(explained) == 4
    blank = sheet.numbers["psnr"].isna()
    texts = [text for rows in blocks(sheet).values() if len(rows) == 3 for text in rows[1][1:]]
    assert blank.sum() == sum(text.startswith("(") for text in texts) + len(methods)


def test_a_noise_that_was_not_run_says_so(tmp_path: Path) -> None:
    row = ("poisson", 0.05, "set12")
    sheet = side_by_side(publish(tmp_path, print_numbers([row, ROWS[0]], ["sure", "epll"])), made_up())
    ((stub, *_),) = block(sheet, row)
    assert reason(sheet, stub.removeprefix("published ")) == "not among the runs of this reference."
    shown, explained = letters(sheet)
    assert shown == set(explained)
    assert len(explained) == 2


def test_a_row_of_which_all_failed_says_so_of_each(published: Published) -> None:
    scores = made_up()
    row = ("gamma", 50.0, "set12")
    scores = scores[(scores["noise"] != "gamma") | (scores["images"] != "set12")]
    where = {"noise": row[0], "parameter": row[1], "images": row[2]}
    failures = failed(
        failure("sure", **where, error="it diverged"), failure("noise2void", **where, error="out of memory")
    )
    sheet = side_by_side(published, scores, failures)
    _, ours, difference = block(sheet, row)
    assert ours[0] == "ours, 0 seeds"
    assert [reason(sheet, letter) for letter in ours[1:]] == [
        "not among the runs of this reference.",
        "failed: seed 0: it diverged.",
        "failed: seed 0: out of memory.",
    ]
    assert difference == ["difference", "", "", ""]


def test_seeds_that_survived_are_not_averaged(published: Published) -> None:
    scores = made_up()
    crashed = (scores["method"] == "noise2void") & (scores["noise"] == "gaussian") & (scores["seed"] == 0)
    failures = failed(failure(), failure(images="bsd68"))
    reproduction = reproduce(published, scores[~crashed], failures)
    sheet = beside(reproduction)
    for row in ROWS[:2]:
        _, ours, _ = block(sheet, row)
        assert reason(sheet, ours[3]).startswith("failed: seed 0")
    diverging = sheet.numbers[(sheet.numbers["method"] == "noise2void")]
    assert list(diverging["psnr"].isna()) == [row[0] == "gaussian" for row in ROWS]
    shown = reproduction.scores[CELL].drop_duplicates()
    assert len(shown) == len(ROWS) * len(SEES) - 2
    # Nor does a failure count that was made good.
    complete = side_by_side(published, scores, failures)
    pd.testing.assert_frame_equal(complete.numbers, side_by_side(published, scores).numbers)


# What the published table lacks


def test_methods_and_settings_that_the_table_lacks(published: Published) -> None:
    scores = made_up()
    raw = "noise2score:domain=raw,formula=paper"
    scores = scores[(scores["method"] != "noise2noise") | (scores["noise"] == "gamma")]
    sheet = lacking(reproduce(published, scores, NO_FAILURES))
    assert sheet.header[3:] == [raw, "noise2noise"]
    plain = scores.groupby([*CELL, "image"])["psnr"].mean().groupby(CELL).mean()
    found = sheet.numbers.set_index(CELL)["psnr"].to_dict()
    assert found == pytest.approx({cell: psnr for cell, psnr in plain.items() if cell[3] not in METHODS})
    for label, images, seeds, *texts in sheet.rows:
        assert seeds == "ours, 2 seeds"
        for method, text in zip(sheet.header[3:], texts, strict=True):
            noise, parameter = next(row[:2] for row in ROWS if noise_label(*row[:2]) == label)
            psnr = plain.get((noise, parameter, images, method))
            if psnr is None:
                assert reason(sheet, text) == "not among the runs of this reference."
            else:
                assert text.split(" ")[0] == f"{psnr:.2f}"
    shown, explained = letters(sheet)
    assert shown == set(explained)
    assert len(explained) == 1


def test_a_failure_of_what_the_table_lacks_is_said(published: Published) -> None:
    scores = made_up()
    scores = scores[scores["method"].isin(METHODS)]
    assert lacking(reproduce(published, scores, NO_FAILURES)) is None
    sheet = lacking(reproduce(published, scores, failed(failure("noise2noise"))))
    ((label, images, _, text),) = sheet.rows
    assert (label, images) == ("gaussian σ=25", "set12")
    assert reason(sheet, text) == "failed: seed 0: the loss is nan at step 120."


# Formats


EVIL = ["a|b<c>:k=1", "50%_x & ~y^2", r"\$#{f}`*[d]"]


def of_names(folder: Path) -> tuple[TextTable, TextTable]:
    """Lay out methods whose names mean something in Markdown or LaTeX, published or not."""
    table = publish(folder, print_numbers([*ROWS, ABSENT], EVIL[:2]), title="T_1 <of> 5 % | more")
    scores = made_up(dict.fromkeys(EVIL, "noisy"), seeds=(0, 1, 2))
    scores = scores[(scores["method"] != EVIL[0]) | (scores["noise"] == "gamma")]
    failures = failed(failure(EVIL[0], error="<b>100 %|_&\n# no"))
    reproduction = reproduce(table, scores, failures)
    return beside(reproduction), lacking(reproduction)


@pytest.mark.parametrize("which", [0, 1])
def test_every_format_shows_the_same_whatever_the_names(tmp_path: Path, which: int) -> None:
    sheet = of_names(tmp_path / "table")[which]
    files = sheet.write(tmp_path / "out", "sheet")
    assert [file.name for file in files] == ["sheet.md", "sheet.csv", "sheet.tex"]
    markdown, csv, latex = (file.read_text(encoding="utf-8") for file in files)
    assert read_markdown(markdown) == [sheet.header, *sheet.rows]
    assert read_latex(latex) == [sheet.header, *sheet.rows]
    assert latex.isascii()
    assert "<b>" not in markdown
    assert "<of>" not in markdown
    numbers = pd.read_csv(tmp_path / "out" / "sheet.csv", keep_default_na=False, na_values={"psnr": ""})
    assert list(numbers["method"]) == list(sheet.numbers["method"])
    shown = [text for row in sheet.rows for text in row if " ±" in text]
    assert [text.split(" ")[0] for text in shown] == [f"{value:.2f}" for value in numbers["psnr"].dropna()]
    assert csv == sheet.csv()
