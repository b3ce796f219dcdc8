"""Types and defaults of options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

DEFAULT_STORE = Path("runs")
REPORTS = Path("reports")


def optional(metavar: str, *, default: str) -> object:
    """Annotate an option that may be left out.

    Args:
        metavar: name of its value in the help.
        default: the effect of leaving it out.
    """
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=f"(default: {default})")


Paths = Annotated[Positional[tuple[Path, ...]], tyro.conf.arg(help_behavior_hint="(one or more)")]
Runs = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")]
Folder = Annotated[Path, tyro.conf.arg(metavar="DIR")]
Data = Annotated[Path | None, optional("DIR", default="$NOISEBENCH_DATA, else the sets are downloaded")]
Device = Annotated[str, tyro.conf.arg(metavar="auto|cpu|cuda|cuda:N|mps")]
Engine = Literal["auto", "eager", "graph", "compile"]
Precision = Literal["auto", "float32", "bfloat16"]
