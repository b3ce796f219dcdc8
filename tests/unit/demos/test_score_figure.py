"""The figure of the score demonstration, and its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch

from bench.demos.mixture import example_mixture
from bench.demos.mixture_score import SIGMA
from bench.demos.score_errors import quadrature
from bench.demos.score_figure import draw, enclosing, run
from bench.errors import InputError
from bench.system.files import open_folder

if TYPE_CHECKING:
    from pathlib import Path

NOISY = example_mixture().blurred(SIGMA / 255)


def test_files_hold_the_figure_and_its_numbers(tmp_path: Path):
    before = dict(mpl.rcParams)
    demo = run(tmp_path / "new", steps=2, batch=64)
    assert dict(mpl.rcParams) == before
    assert {file.name for file in demo.files} == {
        "score.png",
        "score.svg",
        "score.pdf",
        "score_field.csv",
        "score_by_density.csv",
    }
    assert all(file.stat().st_size > 500 for file in demo.files)
    field = pd.read_csv(tmp_path / "new" / "score_field.csv")
    assert list(field) == ["y1", "y2", "density", "exact1", "exact2", "learned1", "learned2"]
    places = torch.from_numpy(field[["y1", "y2"]].to_numpy())
    np.testing.assert_allclose(demo.noisy.score(places), field[["exact1", "exact2"]], rtol=1e-9, atol=1e-9)
    curve = pd.read_csv(tmp_path / "new" / "score_by_density.csv")
    assert list(curve) == ["density", "probability", "error", "local_error"]
    assert f"{demo.relative_error:.2%}" in demo.text
    # The same demonstration draws the same bytes.
    again = draw(demo, open_folder(tmp_path / "again"))
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in demo.files[:3]]


def test_contours_enclose_their_shares():
    grid = quadrature(NOISY)
    density, mass = grid.density.numpy(), grid.mass.numpy()
    for share, level in zip((0.5, 0.99), enclosing(density, mass, (0.5, 0.99)), strict=True):
        assert mass[density >= level].sum() == pytest.approx(share, abs=1e-3)


def test_bad_input_is_named(tmp_path: Path):
    for sigma in (0, -1, float("nan")):
        with pytest.raises(InputError, match="sigma > 0"):
            run(tmp_path, sigma=sigma)
    with pytest.raises(InputError, match="steps has to be 1 or more, but is 0"):
        run(tmp_path, steps=0)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        run(tmp_path / "file")
    assert not list(tmp_path.glob("*.png"))
