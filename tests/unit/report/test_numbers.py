"""The numbers of a report, cell by cell."""

from __future__ import annotations

import math

import pytest

from bench.analysis.columns import CELL, ROW, CellKey
from bench.analysis.means import mean_of
from bench.analysis.paired import difference_of
from bench.analysis.questions import differences_to
from bench.report.numbers import baseline_of, cells
from tests.support.results.reports import cell_of, one_table
from tests.support.results.scores import failed, failure, made_up


def test_cells_hold_means_and_paired_differences_to_the_baseline():
    scores = made_up()
    table = one_table(scores)
    assert baseline_of(table) == "supervised"
    numbers = cells(table, scores)
    assert len(numbers) == len(scores.drop_duplicates(CELL))
    for line in numbers.itertuples():
        ours = cell_of(scores, line.noise, line.parameter, line.images, line.method)
        theirs = cell_of(scores, line.noise, line.parameter, line.images, "supervised")
        mean = mean_of(ours)
        assert (line.psnr, line.half_width) == (pytest.approx(mean.value), mean.half_width)
        if line.method == "supervised":
            assert math.isnan(line.gap)
        else:
            pair = difference_of(ours, theirs)
            assert (line.gap, line.gap_low, line.gap_high) == (pair.mean, pair.low, pair.high)
            assert line.gap_p == differences_to(scores, "supervised")[CellKey(*line[1:5])].p


def test_cells_hold_lpips_with_its_interval():
    scores = made_up()
    assert cells(one_table(scores), scores)["lpips_half_width"].isna().all()
    scores["lpips"] = 1 - scores["ssim"]
    for line in cells(one_table(scores), scores).itertuples():
        ours = cell_of(scores, line.noise, line.parameter, line.images, line.method)
        mean = mean_of(ours, "lpips")
        assert (line.lpips, line.lpips_half_width) == (pytest.approx(mean.value), mean.half_width)
        assert line.lpips_half_width == pytest.approx(mean_of(ours, "ssim").half_width)


def test_failed_cells_have_a_reason_and_no_number():
    scores = made_up()
    failures = failed(failure("supervised", seed=2))
    numbers = cells(one_table(scores, failures), scores)
    lost = (numbers[ROW] == ["gaussian", 25.0, "set12"]).all(axis=1)
    (line,) = numbers[lost & (numbers["method"] == "supervised")].to_dict("records")
    assert line["status"] == "failed"
    assert "nan" in line["error"]
    assert math.isnan(line["psnr"])
    # Without a baseline there is no gap in that row, and there is one in all others.
    assert numbers[lost]["gap"].isna().all()
    assert numbers[~lost & (numbers["method"] != "supervised")]["gap"].notna().all()


def test_the_baseline_is_the_plain_method_that_saw_clean_images():
    variants = {"supervised:loss=l1": "noisy + clean", "supervised": "noisy + clean", "blindspot": "noisy"}
    assert baseline_of(one_table(made_up(variants))) == "supervised"
    assert baseline_of(one_table(made_up({"blindspot": "noisy", "pair": "noisy + noisy2"}))) is None
