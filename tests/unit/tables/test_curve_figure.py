"""The figure of a cost curve."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from bench.tables.write_curves import write_curves
from tests.support.results.curves import (
    FLOPS_A_STEP,
    made_up_curve,
    panels,
    together,
)


def test_csv_and_panels_hold_the_same_numbers(tmp_path, saved_figures):
    runs = [
        made_up_curve(method, noise=noise, slope=slope, seed=seed)
        for method, slope in (("one", 1.0), ("other", 1.3))
        for noise in ("gaussian", "gamma")
        for seed in (0, 1)
    ]
    write_curves(together(*runs), folder=tmp_path)
    table = pd.read_csv(tmp_path / "quality.csv")
    assert ", ".join(table) == "method, noise, parameter, images, seeds, step, seconds, tflop, psnr"
    axes = np.reshape(panels(saved_figures[0]), (3, 2))
    for row, cost in enumerate(("seconds", "tflop", "step")):
        for column, noise in enumerate(("gaussian", "gamma")):
            for line in axes[row, column].get_lines():
                shown = table[(table["noise"] == noise) & (table["method"] == line.get_label())]
                np.testing.assert_allclose(line.get_xydata(), shown[[cost, "psnr"]])
            assert len(axes[row, column].get_lines()) == 2
            assert axes[row, column].get_xscale() == "log"


@pytest.mark.parametrize("noises", [1, 2, 3, 4, 5, 7])
def test_nothing_is_cut_off(tmp_path, saved_figures, noises):
    runs = [
        made_up_curve(parameter=parameter, slope=1 + parameter).assign(
            seconds=lambda run, parameter=parameter: run["seconds"] * 3**parameter
        )
        for parameter in range(1, noises + 1)
    ]
    write_curves(together(*runs), folder=tmp_path)
    assert len(panels(saved_figures[0])) == 3 * noises
    for axes in panels(saved_figures[0]):
        (line,) = axes.get_lines()
        points = line.get_xydata()
        for values, (low, high) in zip(points.T, (axes.get_xlim(), axes.get_ylim()), strict=True):
            assert low < values.min()
            assert values.max() < high


def test_a_method_has_one_look_in_every_panel_and_figure(tmp_path, saved_figures):
    methods = [f"method {number:02}" for number in range(25)]
    runs = [made_up_curve(method, noise=noise) for method in methods for noise in ("gaussian", "gamma")]
    write_curves(
        together(*runs, *(made_up_curve(method, width=8) for method in methods[::-2])), folder=tmp_path
    )
    styles = {
        (line.get_label(), line.get_color(), line.get_marker())
        for figure in saved_figures
        for axes in panels(figure)
        for line in axes.get_lines()
    }
    assert len(styles) == len(methods) == len({style[1:] for style in styles})


def test_legend_and_labels_overlap_nothing(tmp_path, saved_figures):
    methods = ["short", *(f"method:option=value,number={number}" for number in range(8))]
    runs = [
        made_up_curve(method, noise=noise, flops=10.0**place * FLOPS_A_STEP)
        for method in methods
        for noise in ("gaussian", "gamma", "poisson", "other")
        for place in [methods.index(method)]
    ]
    write_curves(together(*runs), folder=tmp_path)
    (figure,) = saved_figures
    figure.savefig(tmp_path / "again.png")
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
    assert not any(box.overlaps(axes.get_tightbbox()) for axes in panels(figure))
    for axes in panels(figure):
        labels = [label for label in axes.get_xticklabels() if label.get_text()]
        low, high = axes.get_xlim()
        shown = sorted(
            (label.get_window_extent() for label in labels if low <= label.get_position()[0] <= high),
            key=lambda one: one.x0,
        )
        assert shown
        assert all(left.x1 < right.x0 for left, right in pairwise(shown))
