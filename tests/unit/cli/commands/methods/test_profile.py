"""``noisebench profile``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.main import main
from tests.support.command_line import refuse

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_profile_traces_a_few_steps(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--width", "4", "--batch", "2", "--patch", "32"]
    main(["profile", "--trace", "supervised", "--device", "cpu", "--out", "traced", *sizes])
    assert (folders / "traced" / "trace.json.gz").is_file()
    assert "trace.json.gz" in capsys.readouterr().out
    assert "absent.json is not a result" in refuse(capsys, ["profile", "absent.json"])
    for asked in (["--device", "cuda:77"], ["--device", "cpu", "--engine", "graph"]):
        said = refuse(capsys, ["profile", *asked])
        assert said.startswith(
            ("error: the device 'cuda:77' is not available", "error: the engine 'graph' needs")
        )
        assert len(said.splitlines()) == 1
