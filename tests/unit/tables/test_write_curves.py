"""The files of cost curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.errors import InputError
from bench.tables.budget_curve import budget_curves
from bench.tables.cost_curve import summary
from bench.tables.write_curves import write_budgets, write_curves
from tests.support.results.budgets import ADAM, LENGTHS, MUON, made_up_budgets
from tests.support.results.curves import (
    made_up_curve,
    panels,
    together,
)


def test_without_curves_the_error_says_how_to_make_some(tmp_path):
    for call in (summary, lambda curves: write_curves(curves, folder=tmp_path / "new")):
        with pytest.raises(InputError, match="--evaluations"):
            call(pd.DataFrame())
    assert not (tmp_path / "new").exists()


def test_files_of_one_protocol(tmp_path):
    files = write_curves(made_up_curve(), folder=tmp_path / "new", stem="curve")
    assert [file.name for file in files] == [
        f"curve.{suffix}" for suffix in ("csv", "md", "png", "svg", "pdf")
    ]
    assert all(file.stat().st_size for file in files)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("protocol", 1),
        ("width", 8),
        ("steps", 2048),
        ("batch", 3),
        ("patch", 40),
        ("learning_rate", 1e-3),
        ("training_images", "mine"),
        ("channels", 3),
        ("device", "cpu"),
        ("training_noise", "resampled"),
    ],
)
def test_each_setup_has_files_of_its_own(tmp_path, saved_figures, name, other):
    runs = made_up_curve("one"), made_up_curve("other", **{name: other})
    files = write_curves(together(*runs), folder=tmp_path)
    assert {file.stem for file in files} == {"quality-1", "quality-2"}
    assert len(files) == 10
    methods = [set(pd.read_csv(tmp_path / f"quality-{number}.csv")["method"]) for number in (1, 2)]
    assert sorted(methods, key=sorted) == [{"one"}, {"other"}]
    headings = [
        (tmp_path / f"quality-{number}.md").read_text(encoding="utf-8").splitlines()[0] for number in (1, 2)
    ]
    assert headings[0] != headings[1]
    assert len({figure.get_suptitle() for figure in saved_figures}) == 2


def test_same_curves_give_the_same_bytes(tmp_path):
    runs = together(made_up_curve("one"), made_up_curve("other", slope=1.4))
    first, second = (write_curves(runs, folder=tmp_path / name) for name in ("first", "second"))
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    assert b"<dc:date>" not in first[3].read_bytes()


def test_folder_that_cannot_be_made_is_an_input_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_curves(made_up_curve(), folder=tmp_path / "file")


def test_finished_budgets_are_drawn_against_seconds_operations_and_steps(tmp_path, saved_figures):
    runs = [
        made_up_budgets("sure", "noise2void", "bm3d", gain=gain, **one)
        for gain, one in ((0, ADAM), (1, MUON))
    ]
    files = write_budgets(budget_curves(pd.concat(runs)), folder=tmp_path / "new")
    assert [file.name for file in files] == [f"budget.{suffix}" for suffix in ("csv", "png", "svg", "pdf")]
    points = pd.read_csv(files[0])
    assert len(points) == 4 * len(LENGTHS)
    (figure,) = saved_figures
    assert "Each point is a finished run" in " ".join(figure.get_suptitle().split())
    for axes, cost in zip(panels(figure), ("seconds", "tflop", "steps"), strict=True):
        for line in axes.get_lines():
            shown = points[points["line"] == line.get_label()]
            np.testing.assert_allclose(line.get_xydata(), shown[[cost, "psnr"]])
        assert len(axes.get_lines()) == 4


def test_a_method_has_one_colour_and_a_setup_one_kind_of_line(tmp_path, saved_figures):
    runs = [made_up_budgets("sure", "noise2void", **one) for one in (ADAM, MUON)]
    write_budgets(budget_curves(pd.concat(runs)), folder=tmp_path)
    looks = {line.get_label(): line for line in panels(saved_figures[0])[0].get_lines()}
    for get, same in (("get_color", "method"), ("get_linestyle", "setup")):
        by_look = {}
        for name, line in looks.items():
            by_look.setdefault(getattr(line, get)(), set()).add(
                name.split(", ")[0 if same == "method" else 1]
            )
        assert sorted(map(sorted, by_look.values())) == (
            [["noise2void"], ["sure"]] if same == "method" else [["adam"], ["muon"]]
        )
    assert len({line.get_marker() for line in looks.values()}) == 4
