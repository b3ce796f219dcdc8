"""Names of files are printed as plain text, without control characters."""

from __future__ import annotations

import sys

import pytest

from bench.cli.main import main
from bench.system.safe_names import visible
from tests.security.hostile_inputs import COLOUR, CONTROLLING, MARKUP


def failing(arguments, capsys):
    """Run a command that fails; return its output."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    printed = capsys.readouterr()
    return printed.out + printed.err


def is_plain(text):
    return text.endswith("\n") and text.removesuffix("\n").isprintable()


@pytest.mark.parametrize("part", CONTROLLING + MARKUP)
def test_an_error_names_the_file_without_control_characters(tmp_path, capsys, monkeypatch, part):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    name = f"a{part}b.png"
    (tmp_path / name).write_bytes(COLOUR.content[:-20])
    for arguments in (["estimate", str(tmp_path / name)], ["fingerprint", str(tmp_path), "--out", "x.csv"]):
        said = failing(arguments, capsys)
        assert visible(name) in said
        assert is_plain(said)


@pytest.mark.parametrize("part", CONTROLLING)
def test_results_name_the_file_without_control_characters(tmp_path, capsys, part):
    folder = tmp_path / f"a{part}b"
    folder.mkdir()
    (folder / "c.png").write_bytes(COLOUR.content)
    main(["estimate", str(folder / "c.png")])
    assert all(line.isprintable() for line in capsys.readouterr().out.split("\n"))


@pytest.mark.parametrize("part", CONTROLLING)
def test_arguments_are_repeated_without_control_characters(capsys, part):
    assert is_plain(failing(["show", f"a{part}b"], capsys))
