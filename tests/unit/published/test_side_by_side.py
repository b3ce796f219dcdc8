"""A published table and our numbers side by side: numbers, text and formats."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from bench.analysis.columns import CELL, ROW, noise_label
from bench.analysis.means import Mean, mean_of
from bench.output.markup import signed, spans
from bench.published.reproduction import reproduce
from bench.published.side_by_side import (
    SUSPECT,
    format_mean,
    gaps_table,
    side_by_side_table,
    unpublished_table,
)
from tests.support.markup import read_latex, read_markdown
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

    from bench.output.text_table import TextTable
    from bench.published.table import Published


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


def test_the_text_shows_the_numbers(published: Published) -> None:
    table = side_by_side(published, made_up())
    assert table.header == ["noise", "test set", "", *METHODS]
    assert list(blocks(table)) == [(noise_label(*row[:2]), row[2]) for row in ROWS]
    for row in ROWS:
        lines = table.numbers[(table.numbers[ROW] == list(row)).all(axis=1)]
        assert block(table, row) == [
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


def test_our_number_is_bold_where_that_of_the_score_table_is(published: Published) -> None:
    scores = made_up(sets={name: [f"{number}.png" for number in range(12)] for name in ("set12", "bsd68")})
    reproduction = reproduce(published, scores, NO_FAILURES)
    tables = [side_by_side_table(reproduction), unpublished_table(reproduction)]
    bold = {
        text
        for table in tables
        for row in table.rows
        for text, style in (span for cell in row for span in spans(cell))
        if style == "bold"
    }
    best = [key for key, cell in reproduction.cells.items() if "psnr" in cell.best]
    assert bold == {format_mean(reproduction.means[key], of_seeds=2) for key in best}
    assert len(best) == len(ROWS)
    assert all(any(note.startswith("Bold: ") for note in table.notes) for table in tables)


@pytest.mark.parametrize(
    ("mean", "of_seeds", "text"),
    [
        (Mean(29.126, 0.054, 12, 3), 3, "29.13 ±0.05"),
        (Mean(29.126, 0.054, 12, 1), 3, "29.13 ±0.05 (1 seed)"),
        (Mean(29.126, 0.054, 12, 2), 3, "29.13 ±0.05 (2 seeds)"),
        (Mean(29.126, math.nan, 1, 1), 1, "29.13"),
    ],
)
def test_a_mean_is_written_with_its_interval_and_its_seeds(mean: Mean, of_seeds: int, text: str) -> None:
    assert format_mean(mean, of_seeds=of_seeds) == text


def test_a_sign_is_always_written() -> None:
    assert [signed(value) for value in (-0.126, 0.0, 12.3)] == ["−0.13", "+0.00", "+12.30"]


def test_a_cell_with_fewer_seeds_than_others_names_its_number(published: Published) -> None:
    scores = made_up(seeds=(0, 1, 2))
    table = side_by_side(published, scores[(scores["method"] != "sure") | (scores["seed"] == 2)])
    for row in ROWS:
        _, ours, _ = block(table, row)
        assert ours[0] == "ours, 3 seeds"
        assert [text.partition(" (")[2] for text in ours[1:]] == ["", "1 seed)", ""]


def test_a_suspect_number_is_marked_and_explained(tmp_path: Path) -> None:
    numbers = published_numbers(ROWS, METHODS)
    wrong = (numbers["images"] == "set12") & (numbers["noise"] == "gamma")
    numbers.loc[wrong & (numbers["method"] != "sure"), "suspect"] = "a misprint"
    table = side_by_side(publish(tmp_path, numbers), made_up())
    assert [note for note in table.notes if note.startswith(SUSPECT)] == [
        "† suspect: gamma k=50, set12: a misprint."
    ]
    marked = [text for row in table.plain_rows() for text in row if SUSPECT in text]
    assert marked == [f"{psnr:.2f}†" for psnr in numbers.loc[numbers["suspect"] != "", "psnr"]]
    assert list(table.numbers["suspect"]) == list(numbers["suspect"])


def test_a_number_that_was_not_published_has_no_difference(tmp_path: Path) -> None:
    numbers = published_numbers(ROWS, METHODS)
    table = side_by_side(publish(tmp_path, numbers.drop(index=4)), made_up())
    printed, ours, difference = block(table, ROWS[1])
    column = 1 + METHODS.index(numbers["method"][4])
    assert (printed[column], difference[column]) == ("–", "")
    assert "±" in ours[column]
    assert "–: not published." in table.notes
    assert table.numbers[["published", "difference"]].isna().sum().tolist() == [1, 1]


def test_methods_and_settings_that_were_not_published(published: Published) -> None:
    scores = made_up()
    raw = "noise2score:domain=raw,formula=paper"
    scores = scores[(scores["method"] != "noise2noise") | (scores["noise"] == "gamma")]
    table = unpublished_table(reproduce(published, scores, NO_FAILURES))
    assert table.header[3:] == [raw, "noise2noise"]
    plain = scores.groupby([*CELL, "image"])["psnr"].mean().groupby(CELL).mean()
    found = table.numbers.set_index(CELL)["psnr"].to_dict()
    assert found == pytest.approx({cell: psnr for cell, psnr in plain.items() if cell[3] not in METHODS})
    for label, images, seeds, *texts in table.plain_rows():
        assert seeds == "ours, 2 seeds"
        for method, text in zip(table.header[3:], texts, strict=True):
            noise, parameter = next(row[:2] for row in ROWS if noise_label(*row[:2]) == label)
            psnr = plain.get((noise, parameter, images, method))
            if psnr is None:
                assert reason(table, text) == "not among the runs of this reference."
            else:
                assert text.split(" ")[0] == f"{psnr:.2f}"
    shown, explained = letters(table)
    assert shown == set(explained)
    assert len(explained) == 1


def test_gaps_are_numbers_without_suspicion_that_ours_do_not_reach(tmp_path: Path) -> None:
    numbers = published_numbers(ROWS, METHODS)
    scores = made_up()
    ours = scores.groupby(CELL)["psnr"].mean()
    known = [tuple(cell) in ours.index for cell in numbers[CELL].to_numpy()]
    # Below ours, above by less than allowed, by more, and by much more but suspect.
    above = np.resize([-1.0, 0.09, 0.11, 2.0], sum(known))
    numbers.loc[known, "psnr"] = [ours[tuple(cell)] for cell in numbers.loc[known, CELL].to_numpy()] + above
    numbers["suspect"] = ""
    suspect = numbers.index[known][above == 2.0]
    numbers.loc[suspect, "suspect"] = "printed twice"
    published = publish(tmp_path / "other", numbers)
    table = gaps_table(reproduce(published, scores, NO_FAILURES), within=0.1)
    expected = numbers.loc[numbers.index[known][above == 0.11]]
    assert len(expected)
    assert len(suspect)
    assert {tuple(cell) for cell in table.numbers[CELL].to_numpy()} == {
        tuple(cell) for cell in expected[CELL].to_numpy()
    }
    assert table.numbers["difference"].to_numpy() == pytest.approx(-0.11)
    assert table.title.endswith(f": {len(expected)} of {sum(known) - len(suspect)}")
    assert [row[-1] for row in table.rows] == ["−0.11"] * len(expected)
    reached = gaps_table(reproduce(published, scores, NO_FAILURES), within=0.12)
    assert reached.rows == [["none", "", "", "", "", ""]]


EVIL = ["a|b<c>:k=1", "50%_x & ~y^2", r"\$#{f}`*[d]"]


def of_names(folder: Path) -> tuple[TextTable, TextTable]:
    """Lay out methods whose names mean something in Markdown or LaTeX, published or not."""
    published = publish(folder, published_numbers([*ROWS, NOT_RUN], EVIL[:2]), title="T_1 <of> 5 % | more")
    scores = made_up(dict.fromkeys(EVIL, "noisy"), seeds=(0, 1, 2))
    scores = scores[(scores["method"] != EVIL[0]) | (scores["noise"] == "gamma")]
    failures = failed(failure(EVIL[0], error="<b>100 %|_&\n# no"))
    reproduction = reproduce(published, scores, failures)
    return side_by_side_table(reproduction), unpublished_table(reproduction)


@pytest.mark.parametrize("which", [0, 1])
def test_every_format_shows_the_same_with_any_names(tmp_path: Path, which: int) -> None:
    table = of_names(tmp_path / "table")[which]
    files = table.write(tmp_path / "out", "table")
    assert [file.name for file in files] == ["table.md", "table.csv", "table.tex"]
    markdown, csv, latex = (file.read_text(encoding="utf-8") for file in files)
    assert read_markdown(markdown.replace("**", "")) == [table.header, *table.plain_rows()]
    assert read_latex(re.sub(r"\\textbf\{(.*?)\}", r"\1", latex)) == [table.header, *table.plain_rows()]
    assert latex.isascii()
    assert "<b>" not in markdown
    assert "<of>" not in markdown
    numbers = pd.read_csv(tmp_path / "out" / "table.csv", keep_default_na=False, na_values={"psnr": ""})
    assert list(numbers["method"]) == list(table.numbers["method"])
    shown = [text for row in table.plain_rows() for text in row if " ±" in text]
    assert [text.split(" ")[0] for text in shown] == [f"{value:.2f}" for value in numbers["psnr"].dropna()]
    assert csv == table.csv()
