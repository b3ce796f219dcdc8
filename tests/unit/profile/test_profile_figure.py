"""The figure of a throughput profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.profile import profile_figure
from bench.profile.profile_figure import draw_profile
from tests.support.throughput import read_profile

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@pytest.fixture
def panels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Axes]:
    figures: list[Figure] = []
    monkeypatch.setattr(profile_figure, "save", lambda figure, *_: figures.append(figure) or ())
    draw_profile(read_profile(tmp_path), folder=tmp_path, stem="throughput", colours={"other": "#ff0000"})
    return figures[0].axes


def test_panels_show_ratios_parts_sizes_and_shares(panels: list[Axes]):
    methods, parts, sizes, floor = panels
    assert [text.get_text() for text in methods.texts] == ["1.05", "1.05", "2.20"]  # a bare step takes 20 ms
    assert [text.get_text() for text in parts.texts] == ["5", "10", "15", "20"]
    assert {line.get_label() for line in sizes.lines} == {"by batch", "by patch"}
    # One method has another precision than the matrix product.
    assert [text.get_text() for text in floor.texts] == ["50", "48", "0", "45"]


def test_methods_have_the_colour_that_is_given(panels: list[Axes]):
    plain, given, same = (patch.get_facecolor() for patch in panels[0].patches)
    assert plain == same != given
    assert given[0] > max(given[1:3])
