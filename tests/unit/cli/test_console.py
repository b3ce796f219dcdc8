"""Lines and tables that commands print."""

import pytest

from bench.cli.console import (
    LOG_WIDTH,
    open_console,
    print_error,
    print_files,
    print_grid,
    print_line,
    print_warning,
)


@pytest.mark.parametrize(("print_", "title"), [(print_error, "error"), (print_warning, "damaged")])
def test_errors_and_warnings_go_to_the_standard_error(capsys, print_, title):
    print_(title, "a\x1b[2J.png")
    captured = capsys.readouterr()
    assert captured.err == f"{title}: a\\x1b[2J.png\n"
    assert captured.out == ""


def test_a_line_stays_on_its_line(capsys):
    print_line(open_console(), "a.png\nall 12 checks passed")
    assert capsys.readouterr().out == "a.png\\nall 12 checks passed\n"


def test_colours_and_wide_letters_stay(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_line(open_console(), ("é 写真", "red"))
    assert capsys.readouterr().out == "\x1b[31mé 写真\x1b[0m\n"


def test_files_are_named_on_one_line_however_long(capsys):
    files = [f"{number:0100}.png" for number in range(3)]
    print_files(files)
    assert capsys.readouterr().out == f"written: {', '.join(files)}\n"


def test_markup_in_a_cell_is_text(capsys):
    print_grid(open_console(), "scores", ["image"], [["[red]a.png[/red]"]])
    assert "[red]a.png[/red]" in capsys.readouterr().out


def test_a_log_has_the_width_of_a_table_unless_columns_says_another(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert open_console().width == LOG_WIDTH
    monkeypatch.setenv("COLUMNS", "90")
    assert open_console().width == 90
