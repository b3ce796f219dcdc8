"""The figure of the noise demonstration, and its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from bench.demos.noise_figure import run, window
from bench.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def test_files_hold_the_figure_and_its_numbers(tmp_path: Path, photo_folders):
    photographs, _ = photo_folders(1)
    before = dict(mpl.rcParams)
    demo = run(tmp_path / "new", image=photographs / "0.png", sigma=10)
    assert dict(mpl.rcParams) == before
    assert {file.name for file in demo.files} == {"noise.png", "noise.svg", "noise.pdf", "noise.csv"}
    assert all(file.stat().st_size > 500 for file in demo.files)
    table = pd.read_csv(tmp_path / "new" / "noise.csv")
    assert list(table) == [
        "noise",
        "parameter",
        "intensity",
        "pixels",
        "expected_variance",
        "measured_variance",
        "standard_error",
    ]
    assert list(table["noise"].unique()) == ["gaussian", "poisson", "gamma"]
    assert "0.png under three noises" in demo.text


def test_detail_is_inside_the_image_and_spans_dark_and_bright():
    clean = np.full((200, 301, 3), 0.5)
    clean[20:60, 250:280] = 1
    clean[60:100, 250:280] = 0
    rows, columns = window(clean)
    assert clean[rows, columns].shape == (160, 160, 3)
    assert clean[rows, columns].min() == 0
    assert clean[rows, columns].max() == 1


def test_bad_input_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"nowhere\.png: cannot be read"):
        run(tmp_path, image=tmp_path / "nowhere.png")
    with pytest.raises(InputError, match=r"'astronout\.png'; did you mean 'astronaut\.png'"):
        run(tmp_path, photograph="astronout.png")
    for sigma in (0, -1, float("nan")):
        with pytest.raises(InputError, match="sigma > 0"):
            run(tmp_path, sigma=sigma)
    assert not list(tmp_path.glob("*.png"))
