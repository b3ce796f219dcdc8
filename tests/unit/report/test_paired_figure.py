"""Differences to the baseline, image by image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.report.numbers import cells
from bench.report.paired_figure import differences, draw_paired_figure
from tests.support.results.reports import cell_of, one_table
from tests.support.results.scores import made_up

if TYPE_CHECKING:
    from pathlib import Path


def test_differences_are_paired_by_image_and_seed():
    scores = made_up()
    found = differences(scores, "supervised")
    assert "supervised" not in set(found["method"])
    for line in found.sample(20, random_state=0).itertuples():
        pair = [
            cell_of(scores, line.noise, line.parameter, line.images, method).query("image == @line.image")
            for method in (line.method, "supervised")
        ]
        assert line.difference == pytest.approx(pair[0]["psnr"].mean() - pair[1]["psnr"].mean())


def test_the_alternative_text_has_the_median_difference_of_each_method(tmp_path: Path):
    scores = made_up()
    table = one_table(scores)
    numbers = cells(table, scores)
    figure = draw_paired_figure(scores, numbers, table.methods, "supervised", folder=tmp_path, stem="p")
    medians = pd.read_csv(tmp_path / "p.csv").groupby("method")["difference"].median()
    assert set(medians.index) == set(table.methods) - {"supervised"}
    for method, median in medians.items():
        assert f"{method}: {median:+.2f}" in figure.alt


def test_without_paired_differences_nothing_is_drawn(tmp_path: Path):
    scores = made_up({"supervised": "noisy + clean"})
    table = one_table(scores)
    numbers = cells(table, scores)
    figure = draw_paired_figure(scores, numbers, table.methods, "supervised", folder=tmp_path, stem="p")
    assert figure is None
    assert list(tmp_path.iterdir()) == []
