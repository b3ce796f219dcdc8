"""PSNR by strength of noise: what is drawn, and the text for those who cannot see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.analysis.columns import CELL
from bench.report import strength_figure
from bench.report.numbers import cells
from bench.report.strength_figure import draw_strength_figure
from tests.support.results.reports import one_table
from tests.support.results.scores import ALL_NOISES, made_up

if TYPE_CHECKING:
    from pathlib import Path

SCORES = made_up(noises=ALL_NOISES)
TABLE = one_table(SCORES)
NUMBERS = cells(TABLE, SCORES)


def test_the_csv_holds_the_numbers_that_are_drawn(tmp_path: Path) -> None:
    figure = draw_strength_figure(NUMBERS, TABLE.methods, "supervised", folder=tmp_path, stem="s")
    written = pd.read_csv(tmp_path / "s.csv").set_index(CELL)
    for line in NUMBERS.itertuples():
        found = written.loc[(line.noise, line.parameter, line.images, line.method)]
        assert found["psnr"] == pytest.approx(line.psnr, abs=1e-4)
        assert found["gap"] == pytest.approx(line.gap, abs=1e-4, nan_ok=True)
    assert [file.suffix for file in figure.files] == [".csv", ".png", ".svg", ".pdf"]
    assert "minus the baseline, supervised," in figure.caption


def test_the_alternative_text_names_the_highest_psnr_of_each_row(tmp_path: Path) -> None:
    figure = draw_strength_figure(NUMBERS, TABLE.methods, None, folder=tmp_path, stem="s")
    best = NUMBERS.sort_values("psnr").groupby(["label", "images"]).last()
    for (label, images), line in best.iterrows():
        assert f"{label}, {images}: {line['method']} {line['psnr']:.2f}" in figure.alt
    assert "baseline" not in figure.caption


def test_strengths_run_from_weak_to_strong_and_gaps_need_a_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(strength_figure, "tidy", lambda axes, grid: drawn.append(axes))
    draw_strength_figure(NUMBERS, TABLE.methods, None, folder=tmp_path, stem="s")
    labels = [[text.get_text() for text in axes.get_xticklabels()] for axes in drawn]
    assert labels == [["σ 25", "σ 50"]] * 2 + [["ζ 0.05"]] * 2 + [["k 100", "k 50"]] * 2
    drawn.clear()
    draw_strength_figure(NUMBERS, TABLE.methods, "supervised", folder=tmp_path, stem="s")
    assert len(drawn) == 2 * len(labels)
