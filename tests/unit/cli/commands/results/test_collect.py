"""``noisebench collect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.main import main
from tests.support.command_line import run_tiny

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_only_runs_that_are_not_yet_there_are_new(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for method, counted in (("supervised", "1 runs are in here, 1 of"), ("sure", "2 runs are in here, 1 of")):
        run_tiny("--methods", method)
        main(["collect", "runs", "--out", "here"])
        assert counted in capsys.readouterr().out
    main(["collect", "runs", "--out", "here"])
    assert "2 runs are in here, 0 of them new" in capsys.readouterr().out
    assert sorted(path.stem for path in (folders / "here" / "runs").iterdir()) == sorted(
        path.parent.name for path in (folders / "runs").glob("*/run.json")
    )
