"""The table of a cost curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.tables.cost_curve import summary
from bench.tables.write_curves import write_curves
from tests.support.results.curves import (
    made_up_curve,
    together,
)

if TYPE_CHECKING:
    import pandas as pd


def write_markdown(curves: pd.DataFrame, folder) -> str:
    files = write_curves(curves, folder=folder)
    return next(file for file in files if file.suffix == ".md").read_text(encoding="utf-8")


def test_a_flat_curve_is_there_at_the_first_evaluation(tmp_path):
    flat = made_up_curve(slope=0.01)
    (line,) = summary(flat).to_dict("records")
    assert line["at_first_within_0.5"]
    assert line["at_first_within_0.1"]
    assert not line["at_first_all_reach"]
    text = write_markdown(flat, tmp_path)
    assert text.count("≤ 32.0 / 192 ") == 2


def test_the_note_names_the_test_sets_and_seeds(tmp_path):
    text = write_markdown(together(made_up_curve(), made_up_curve(seed=1), made_up_curve("other")), tmp_path)
    assert "on set12, mean over 1 to 2 seeds" in text
    assert "evaluation is not counted" in text
    assert "U-Net width 48" in text
    assert "| gaussian σ=25 | plain | 29.00 | 512 / 3,072 | 362 / 2,172 | 478 / 2,866 | 29.00 |" in text


def test_names_are_escaped(tmp_path, saved_figures):
    text = write_markdown(
        made_up_curve("a|b_c*d$e$", images="my_set|x", training_images="<b>$x_1$"), tmp_path
    )
    assert r"a\|b\_c\*d\$e\$" in text
    assert r"my\_set\|x" in text
    assert r"&lt;b&gt;\$x\_1\$" in text
    rows = [line.replace(r"\|", "") for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    (legend,) = saved_figures[0].legends
    assert legend.get_texts()[0].get_text() == r"a|b_c*d\$e\$"
