"""Differences to the baseline, image by image."""

from __future__ import annotations

import pytest

from bench.report.paired_figure import differences
from tests.support.results.reports import cell_of
from tests.support.results.scores import made_up


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
