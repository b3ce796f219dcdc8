"""What a command prints may get lost; its work does not."""

from __future__ import annotations

import errno
import io
import sys
from typing import TYPE_CHECKING, TextIO

import pytest

from bench.cli.output_stream import OutputStream, lasting_output
from bench.system.files import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Failing(io.StringIO):
    """A stream whose third write fails with a code."""

    def __init__(self, code: int, file: TextIO) -> None:
        super().__init__()
        self.code, self.file, self.writes = code, file, 0

    def write(self, text: str) -> int:
        self.writes += 1
        if self.writes >= 3:
            raise OSError(self.code, "no space")
        return super().write(text)

    def fileno(self) -> int:
        return self.file.fileno()


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[int], Failing]]:
    """Return a function that replaces the standard output by a stream that fails with a code."""
    with (tmp_path / "output").open("w") as file:

        def replace(code: int) -> Failing:
            stream = Failing(code, file)
            monkeypatch.setattr(sys, "stdout", stream)
            return stream

        yield replace


def test_characters_without_a_code_become_question_marks():
    raw = io.BytesIO()
    stream = OutputStream(io.TextIOWrapper(raw, encoding="latin-1"))
    assert stream.write("σ²=25") == 5
    stream.flush()
    assert raw.getvalue().decode("latin-1") == "?²=25"


def test_a_closed_stream_takes_everything():
    stream = OutputStream(None)
    assert stream.write("text") == 4
    assert not stream.isatty()
    stream.stream.close()


def test_after_an_error_nothing_more_is_written(failing):
    stream = failing(errno.EPIPE)
    with lasting_output():
        for line in "abcde":
            sys.stdout.write(line)
    assert stream.getvalue() == "ab"
    assert stream.writes == 3
    assert sys.stdout is stream


def test_a_full_disk_is_reported_at_the_end(failing):
    failing(errno.ENOSPC)
    done = []
    with (
        pytest.raises(StorageError, match=r"standard output could not be written \(no space\)"),
        lasting_output(),
    ):
        for line in "abcde":
            sys.stdout.write(line)
        done.append("work")
    assert done == ["work"]
