"""Names of files reach the terminal of a command as text, whatever they hold."""

from __future__ import annotations

import sys

import pytest

from bench.cli.main import main
from bench.system.safe_names import visible
from tests.security.specimens import COLOUR, MARKUP, STEERING


def failing(arguments, capsys):
    """Run a command that fails, and give what it printed."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    printed = capsys.readouterr()
    return printed.out + printed.err


def only_shows(text):
    return text.endswith("\n") and text.removesuffix("\n").isprintable()


@pytest.mark.parametrize("part", STEERING + MARKUP)
def test_an_error_names_the_file_and_steers_nothing(tmp_path, capsys, monkeypatch, part):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    name = f"a{part}b.png"
    (tmp_path / name).write_bytes(COLOUR.content[:-20])
    for arguments in (["estimate", str(tmp_path / name)], ["fingerprint", str(tmp_path), "--out", "x.csv"]):
        said = failing(arguments, capsys)
        assert visible(name) in said
        assert only_shows(said)


@pytest.mark.parametrize("part", STEERING)
def test_so_does_what_a_command_finds(tmp_path, capsys, part):
    folder = tmp_path / f"a{part}b"
    folder.mkdir()
    (folder / "c.png").write_bytes(COLOUR.content)
    main(["estimate", str(folder / "c.png")])
    assert all(line.isprintable() for line in capsys.readouterr().out.split("\n"))


@pytest.mark.parametrize("part", STEERING)
def test_names_that_a_person_types_are_shown_too(capsys, part):
    assert only_shows(failing(["show", f"a{part}b"], capsys))
