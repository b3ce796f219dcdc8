"""Whatever commands print, a terminal shows it and does nothing else."""

import io

import pytest
from rich.text import Text

from bench.cli.console import open_console, print_grid, print_line, print_list
from bench.cli.escaping_console import Terminal
from tests.support.control_characters import CONTROL_CHARACTERS


@pytest.mark.parametrize("character", CONTROL_CHARACTERS)
def test_whatever_is_printed_a_terminal_only_shows_it(
    capsys: pytest.CaptureFixture[str], character: str
) -> None:
    console, text = open_console(), f"a{character}b"
    print_line(console, text, (text, "red"))
    print_grid(console, text, [text], [[text]])
    print_list(console, text, [(text, text)])
    console.print_json(data={text: text})
    console.print(text, markup=False)
    shown = capsys.readouterr().out
    assert all(line.isprintable() for line in shown.split("\n"))
    assert shown.count("a") >= 9


def test_colours_of_the_console_itself_stay() -> None:
    printed = io.StringIO()
    console = Terminal(file=printed, force_terminal=True, color_system="standard", width=80)
    console.print(Text("é\x1b[32m 写真", "red"))
    assert printed.getvalue() == "\x1b[31mé\\x1b[32m 写真\x1b[0m\n"
