"""The style of figures, and the files that they are saved to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl

from bench.output.figures import drawing, mark, plain, save, share_legend, tidy

if TYPE_CHECKING:
    from pathlib import Path


def test_the_style_ends_with_the_figure():
    before = dict(mpl.rcParams)
    with drawing(4, 3):
        assert mpl.rcParams["svg.hashsalt"] == "noisebench"
    assert dict(mpl.rcParams) == before


def test_marks_of_a_hundred_lines_differ():
    assert len({tuple(mark(place).values()) for place in range(100)}) == 100


def test_figures_are_saved_the_same_every_time(tmp_path: Path):
    files = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        with drawing(3, 2) as figure:
            figure.subplots().plot([1, 2], label="line")
            files.append(save(figure, tmp_path / name, "figure"))
    assert [file.suffix for file in files[0]] == [".png", ".svg", ".pdf"]
    assert [file.read_bytes() for file in files[0]] == [file.read_bytes() for file in files[1]]


def test_one_legend_names_what_any_panel_shows():
    with drawing(6, 3) as figure:
        left, right = figure.subplots(1, 2)
        left.plot([1, 2], label="one")
        right.plot([1, 2], label="one")
        right.plot([2, 1], label="other")
        share_legend(figure)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "other"]


def test_tidy_axes_have_no_upper_and_right_side():
    with drawing(3, 2) as figure:
        axes = figure.subplots()
        tidy(axes, grid="x")
    assert [axes.spines[side].get_visible() for side in ("top", "right", "left")] == [False, False, True]


def test_dollars_start_no_formula():
    assert plain("5 $x$") == r"5 \$x\$"
