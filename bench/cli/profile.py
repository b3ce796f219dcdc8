"""The command ``noisebench profile``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from bench.cli.console import open_console, say, say_written
from bench.cli.options import DEFAULT_STORE, Device

# Imports of what takes long to load stand inside the functions that need it: torch takes seconds, of which
# `list` needs nothing, and rich a tenth of one, of which `--help` needs nothing.

DEFAULT_PROFILE = DEFAULT_STORE / "profile"


def profile(  # noqa: PLR0913 - one argument per option
    result: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="JSON")] = None,
    *,
    trace: Annotated[str | None, tyro.conf.arg(metavar="METHOD")] = None,
    width: int = 16,
    batch: int = 8,
    patch: int = 64,
    rounds: int = 7,
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    engine: Literal["auto", "eager", "graph", "compile"] = "auto",
    device: Device = "auto",
    out: Path = DEFAULT_PROFILE,
) -> None:
    """Measure what training takes on this machine, beside what the machine could do, as table and figure.

    Needs a clone of the repository, whose throughput suite it runs by pytest-benchmark; the default size is
    that of the recipe quick.

    Args:
        result: draw this result of an earlier profile, and measure nothing
        trace: instead, write a trace of a few steps of this method, which https://ui.perfetto.dev opens
        width: channels of the U-Net on its way down
        batch: patches of a step
        patch: side of a patch, pixels
        rounds: of each timing, of which the median counts
        precision: of the network's arithmetic; auto takes bfloat16 where the device has units for it
        engine: as for `noisebench run`
        device: where to compute
        out: folder for the files
    """
    from bench.profile.profile_table import caption
    from bench.profile.suite import measure
    from bench.profile.timings import read
    from bench.profile.trace import write_trace
    from bench.profile.write import write_profile
    from bench.system.devices import open_device
    from bench.training.engine import resolve_engine

    options: dict[str, Any] = {"device": device, "precision": precision, "engine": engine}
    options |= {"width": width, "batch": batch, "patch": patch}
    if trace:
        say(open_console(), f"written: {write_trace(trace, folder=out, **options)}")
        return
    if not result:
        resolve_engine(engine, open_device(device))  # or the suite would fail of it, in many words
    measured = read(result or measure(out, options | {"rounds": rounds}))
    written = write_profile(measured, folder=out)
    say(open_console(), caption(measured))
    say_written(written)
