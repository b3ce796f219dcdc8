"""Commands of the command line, run in the process of the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Sequence

TINY = ["--width", "4", "--steps", "3", "--batch", "2", "--patch", "32"]


def run_tiny(*arguments: str) -> None:
    """Train for three steps on the sets ./train and ./test, under Gaussian noise unless another is given."""
    main(["run", *TINY, "--train", "./train", "--test", "./test", "--noises", "gaussian:25", *arguments])


def refuse(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> str:
    """Run a command that must fail as bad input; return the error message."""
    with pytest.raises(SystemExit) as leaving:
        main(arguments)
    assert leaving.value.code == 2
    return capsys.readouterr().err
