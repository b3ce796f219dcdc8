import pytest

from bench.cli.console import open_console, print_grid, print_list, say
from tests.unit.system.test_safe_names import STEERING


def plain(text):
    """Whether a terminal would show the text and do nothing else."""
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("steering", STEERING)
def test_whatever_is_printed_a_terminal_only_shows_it(capsys, steering):
    console, text = open_console(), f"a{steering}b"
    say(console, text, (text, "red"))
    print_grid(console, text, [text], [[text]])
    print_list(console, text, [(text, text)])
    console.print_json(data={text: text})
    console.print(text, markup=False)
    shown = capsys.readouterr().out
    assert plain(shown)
    assert shown.count("a") >= 9


def test_errors_are_printed_likewise(capsys):
    say(open_console(stderr=True), ("error:", "bold red"), " a\x1b[2J.png")
    assert capsys.readouterr().err == "error: a\\x1b[2J.png\n"


def test_what_is_said_stays_on_its_line(capsys):
    say(open_console(), "a.png\nall 12 checks passed")
    assert capsys.readouterr().out == "a.png\\nall 12 checks passed\n"


def test_colours_and_wide_letters_stay(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    say(open_console(), ("é 写真", "red"))
    assert capsys.readouterr().out == "\x1b[31mé 写真\x1b[0m\n"
