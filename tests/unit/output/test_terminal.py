"""Tables in a terminal."""

from __future__ import annotations

import io
import re

from rich.console import Console

from bench.output.markup import Span
from bench.output.terminal import terminal_table
from bench.output.text_table import TextTable

TABLE = TextTable(
    "A [title]",
    ["noise", *(f"method{number}:option=1,other=2" for number in range(4))],
    [["weak", *((Span(f"3{number}.00", "bold"),) for number in range(4))]],
    ["A [b]note[/b]."],
    summary=[["sees", "noisy", "noisy", "noisy", (Span("failed", "failed"),)]],
)


def rendered(width: int) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(terminal_table(TABLE, repeated=1, width=width))
    return console.file.getvalue()


def plain(text: str) -> list[str]:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()


def test_styles_are_shown_and_markup_in_text_is_not():
    text = rendered(120)
    assert "\x1b[1m30.00\x1b[0m" in text
    assert "\x1b[31mfailed\x1b[0m" in text
    assert "A [title]" in text
    assert "[b]note[/b]" in text


def test_narrow_terminals_get_several_parts_with_the_first_column_repeated():
    wide, narrow = plain(rendered(120)), plain(rendered(40))
    assert sum(line.count("weak") for line in wide) == 1
    assert sum(line.count("weak") for line in narrow) > 1
    assert max(map(len, narrow)) <= 40
    for number in range(4):
        assert any(f"3{number}.00" in line for line in narrow)
    assert not any("…" in line for line in narrow)
