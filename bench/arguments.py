"""Arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from bench.errors import InputError

DEFAULT_STORE = Path("runs")
REPORTS = Path("reports")

Runs = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")]
Names = Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="NAME ...")]
Data = Annotated[Path | None, tyro.conf.arg(metavar="DIR")]
Device = Annotated[str, tyro.conf.arg(metavar="auto|cpu|cuda|cuda:N|mps")]


def existing_runs(folder: Path) -> Path:
    """Take a folder of runs as given.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder of runs at {str(folder)!r}; `noisebench run` makes one")
    return folder
