"""Mean ranks and their figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from bench.analysis.columns import CELL, ROW, noise_label
from bench.analysis.mean_ranks import mean_ranks
from bench.errors import InputError
from bench.published import ranks
from bench.published.ranks import rank, write_ranks
from tests.support.results.scores import SEES, made_up

if TYPE_CHECKING:
    from pathlib import Path


def test_ranks_are_those_of_each_noise_and_test_set(tmp_path: Path) -> None:
    scores = made_up()
    ranked = rank(scores)
    for row, found in ranked.groupby(ROW):
        lines = scores[(scores[ROW] == list(row)).all(axis=1)]
        means = lines.pivot_table(index="image", columns="method", values="psnr")
        expected = means.rank(axis=1, ascending=False).mean()
        assert dict(zip(found["method"], found["rank"], strict=True)) == pytest.approx(dict(expected))
        pd.testing.assert_frame_equal(
            found.drop(columns=ROW).reset_index(drop=True), mean_ranks(lines).drop(columns="images")
        )
    assert len(ranked) == len(scores.drop_duplicates(CELL))
    csv, png, svg, pdf = write_ranks(scores, folder=tmp_path / "new", stem="ranks")
    pd.testing.assert_frame_equal(pd.read_csv(csv), ranked, atol=1e-4)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert pdf.read_bytes().startswith(b"%PDF")
    drawn = svg.read_text(encoding="utf-8")
    for text in ("bsd68", "set12", *SEES):
        assert f"<!-- {text} -->" in drawn


def test_a_noise_has_one_colour_in_every_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = []

    def keep(figure, folder, stem):
        figures.append(figure)
        return ()

    monkeypatch.setattr(ranks, "save", keep)
    noises = [("gaussian", 25.0), ("gaussian", 50.0), ("gamma", 50.0)]
    scores = made_up(noises=noises)
    scores = scores[(scores["images"] == "set12") | (scores["noise"] == "gamma")]
    scores = scores[(scores["images"] == "bsd68") | (scores["noise"] == "gaussian")]
    write_ranks(scores, folder=tmp_path, stem="ranks")
    (figure,) = figures
    of_panel = {
        axes.get_title(loc="left"): [bars[0].get_color() for bars in axes.containers] for axes in figure.axes
    }
    assert {panel: len(colours) for panel, colours in of_panel.items()} == {"set12": 2, "bsd68": 1}
    assert len({colour for colours in of_panel.values() for colour in colours}) == len(noises)
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert sorted(labels) == sorted(noise_label(*noise) for noise in noises)
    colours = dict(zip(labels, (to_hex(bars.get_color()[0]) for bars in legend.legend_handles), strict=True))
    assert of_panel["bsd68"] == [colours["gamma k=50"]]
    assert of_panel["set12"] == [colours["gaussian σ=25"], colours["gaussian σ=50"]]


def test_a_single_image_has_ranks_without_interval(tmp_path: Path) -> None:
    scores = made_up(sets={"one": ["a.png"]})
    csv, *_ = write_ranks(scores, folder=tmp_path, stem="ranks")
    written_ranks = pd.read_csv(csv)
    assert written_ranks[["low", "high"]].isna().all(axis=None)
    assert sorted(written_ranks["rank"]) == sorted([*range(1, 1 + len(SEES))] * 2)


def test_a_row_of_one_method_has_no_rank() -> None:
    alone = made_up({"sure": "noisy"})
    with pytest.raises(InputError, match="scores of two methods to rank"):
        rank(alone)
    both = made_up(noises=[("gaussian", 25.0)])
    assert set(rank(pd.concat([both, alone[alone["noise"] == "gamma"]]))["noise"]) == {"gaussian"}
