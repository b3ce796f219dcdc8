"""What the help says of an option that may be left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import tyro

from bench.cli.options.shared import optional


@dataclass(frozen=True)
class Options:
    """Options of a command.

    Args:
        shift: how far
    """

    shift: Annotated[float | None, optional("PIXELS", default="half the width")] = None


def test_the_help_names_the_value_and_what_happens_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        tyro.cli(Options, args=["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "--shift PIXELS how far (default: half the width)" in printed


def test_the_value_is_none_if_it_is_left_out() -> None:
    assert tyro.cli(Options, args=[]) == Options(None)
    assert tyro.cli(Options, args=["--shift", "1.5"]) == Options(1.5)
