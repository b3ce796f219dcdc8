"""The files of cost curves."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.errors import InputError
from bench.tables.cost_curve import summary
from bench.tables.write_curves import write_curves
from tests.support.results.curves import (
    made_up_curve,
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
