"""A folder with small image sets, in which commands are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.cli.main import main
from tests.support.command_line import run_tiny
from tests.support.results.references import publish, published_numbers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd


@pytest.fixture
def folders(
    photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Write grey training and test images and make their folder the current one, without LPIPS's weights."""
    photo_folders(1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("NOISEBENCH_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path


@pytest.fixture
def numbers() -> pd.DataFrame:
    """Make up the published numbers of two methods and a filter."""
    return published_numbers([("gaussian", 25.0, "test")], ["bm3d", "supervised", "noise2noise"])


@pytest.fixture
def collected(folders: Path, numbers: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> Path:
    """Train two methods with two seeds, collect their scores, and publish a table to compare them with."""
    run_tiny("--methods", "supervised", "noise2noise", "--seeds", "0", "1")
    main(["collect", "runs", "--out", "reports/here"])
    assert "4 runs are in reports/here" in capsys.readouterr().out.replace("\\", "/")
    folder = publish(folders / "tables" / "mine", numbers, training_images=["train"], reference="here").folder
    (folder / "README.md.j2").write_text(
        '{{ reference("here").tables.side_by_side("beside") }}', encoding="utf-8"
    )
    return folders
