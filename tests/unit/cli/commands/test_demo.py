"""``noisebench demo``: each demonstration writes its figure and prints what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.cli.main import main
from tests.support.command_line import refuse

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("arguments", "figure"),
    [(["noise"], "noise.png"), (["score", "--steps", "20", "--batch", "64"], "score.png")],
)
def test_a_demonstration_writes_its_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], figure: str
) -> None:
    main(["demo", *arguments, "--out", str(tmp_path)])
    *_, files = capsys.readouterr().out.splitlines()
    assert files.startswith("written: ")
    assert str(tmp_path / figure) in files
    assert (tmp_path / figure).is_file()


def test_an_unknown_photograph_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["demo", "noise", "--photograph", "astronaut.pgn", "--out", str(tmp_path / "demo")]
    assert "did you mean 'astronaut.png'?" in refuse(capsys, arguments)
    assert not (tmp_path / "demo").exists()
