"""``noisebench new``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.main import main
from tests.support.command_line import refuse

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_new_package_is_written_with_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["new", "my_method", "--package"])
    written, step = capsys.readouterr().out.splitlines()
    (folder,) = tmp_path.iterdir()
    assert f"{folder.name}/pyproject.toml" in written.replace("\\", "/")
    assert step == f"next: pip install -e {folder.name} && noisebench check my_method"


def test_a_name_with_a_hyphen_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "a-b" in refuse(capsys, ["new", "a-b", "--package", "--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())
