"""``noisebench compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.main import main
from tests.support.command_line import run_tiny

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_results_compared_with_themselves_are_the_same(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny("--methods", "supervised", "sure")
    capsys.readouterr()
    main(["compare", "runs", "runs", "--out", "compared"])
    verdicts = [line.split("│")[-2].strip() for line in capsys.readouterr().out.splitlines() if "│" in line]
    assert verdicts == ["same", "same"]
    names = sorted(path.name for path in (folders / "compared").iterdir())
    assert names == ["compare.csv", "compare.md", "compare.tex"]
