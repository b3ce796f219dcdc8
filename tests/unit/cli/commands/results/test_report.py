"""``noisebench report``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.main import main
from tests.support.command_line import refuse, run_tiny

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_report_of_runs_is_written_beside_them(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny("--methods", "supervised")
    capsys.readouterr()
    main(["report", "--images", "0"])
    printed = capsys.readouterr().out.replace("\\", "/")
    assert printed == "written: runs/report/report.html\n"
    assert (folders / "runs" / "report" / "report.html").is_file()


def test_fewer_than_no_images_are_refused(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--images must be at least 0, but is -1" in refuse(capsys, ["report", "--images", "-1"])
