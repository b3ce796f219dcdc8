"""Types and defaults of options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from tyro.conf import Positional

from bench.errors import unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

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


def require_known(what: str, specs: Iterable[str], known: Collection[str]) -> None:
    """Check names, which may be followed by settings after a colon.

    Raises:
        InputError: a name is unknown.
    """
    for spec in specs:
        name = spec.partition(":")[0]
        if name not in known:
            raise unknown(what, name, known)
