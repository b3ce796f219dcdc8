"""The overview: means, what is bold, and differences to the baseline."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bench.errors import InputError
from bench.published.overview import overview_table, write_overview
from tests.support.markup import read_latex, read_markdown
from tests.support.results.scores import SEES, made_up

if TYPE_CHECKING:
    from pathlib import Path

SCORES = made_up(sets={"set12": [f"{number}.png" for number in range(12)]})
BASELINE = "supervised"
SELF_SUPERVISED = ["noise2void", "sure", "noise2score:domain=raw,formula=paper"]
BOLD = re.compile(r"!(.*?)!")
WEAK_FIRST = [("gaussian", 25.0), ("gamma", 50.0)]


def test_cells_are_means_and_the_best_self_supervised_one_is_bold() -> None:
    table = overview_table(SCORES, SEES, BASELINE)
    header, noisy, *rows = read_markdown(table.markdown().replace("**", ""))
    marked = read_markdown(table.markdown().replace("**", "!"))
    assert {row[0]: row[1] for row in rows} == SEES
    assert rows[-1][0] == BASELINE  # which saw most
    for column, (model, parameter) in enumerate(WEAK_FIRST, start=2):
        assert header[column].startswith(model)
        lines = SCORES[(SCORES["noise"] == model) & (SCORES["parameter"] == parameter)]
        means = lines.groupby("method")[["psnr", "ssim"]].mean()
        for row in rows:
            assert row[column] == "{psnr:.2f} / {ssim:.3f}".format(**means.loc[row[0]])
        assert noisy[column] == "{noisy_psnr:.2f} / {noisy_ssim:.3f}".format(**lines.mean(numeric_only=True))
        best = means.loc[SELF_SUPERVISED].max()
        bold = [number for row in marked for number in BOLD.findall(row[column])]
        assert sorted(bold) == sorted([f"{best['psnr']:.2f}", f"{best['ssim']:.3f}"])
    assert read_latex(re.sub(r"\\textbf\{(.*?)\}", r"\1", table.latex())) == [header, noisy, *rows]


def test_costs_that_all_methods_recorded_are_beside_the_scores() -> None:
    scores = SCORES.assign(passes=SCORES["method"].map({BASELINE: 1.0}))
    table = overview_table(scores, SEES, BASELINE)
    header, noisy, *rows = read_markdown(table.markdown().replace("**", ""))
    assert header[4:] == ["training TFLOP", "training s", "s/image"]
    assert noisy[4:] == [""] * 3
    operations = SCORES.groupby("method")["training_flops"].mean() / 1e12
    assert {row[0]: row[4] for row in rows} == {name: f"{value:.1f}" for name, value in operations.items()}
    assert any(note.startswith("Training TFLOP: ") for note in table.notes)


def test_differences_to_the_baseline_are_those_of_the_means() -> None:
    found = overview_table(SCORES, SEES, BASELINE).numbers
    keys = ["noise", "parameter", "method"]
    means = SCORES.groupby(keys)["psnr"].mean()
    for line in found.itertuples():
        gap = means[line.noise, line.parameter, line.method] - means[line.noise, line.parameter, BASELINE]
        assert line.difference == pytest.approx(gap, abs=1e-9)
        assert line.low <= line.difference <= line.high
    assert len(found) == len(means)


def test_the_figure_is_the_same_each_time(tmp_path: Path) -> None:
    found = overview_table(SCORES, SEES, BASELINE).numbers
    first, second = (write_overview(found, BASELINE, folder=tmp_path / name, stem="g") for name in "ab")
    assert [file.suffix for file in first] == [".png", ".svg", ".pdf"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_two_test_sets_or_a_missing_baseline_are_refused() -> None:
    with pytest.raises(InputError, match=r"of one test set, but there are .*set12"):
        overview_table(made_up(), SEES, BASELINE)
    with pytest.raises(InputError, match="no scores of supervised on "):
        overview_table(SCORES[SCORES["method"] != BASELINE], SEES, BASELINE)
