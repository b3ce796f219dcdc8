"""``noisebench show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.main import main
from tests.support.command_line import run_tiny

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_show_prints_the_record_and_the_scores(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny("--methods", "supervised")
    (key,) = (path.parent.name for path in (folders / "runs").glob("*/run.json"))
    capsys.readouterr()
    main(["show", key[:6]])
    printed = capsys.readouterr().out
    assert key in printed
    assert "noisy_sha256" in printed
    assert "1.png" in printed
