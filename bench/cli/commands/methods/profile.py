"""The command ``noisebench profile``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.cli.console import open_console, print_files, print_line
from bench.profile.measure import measure
from bench.profile.profile_table import caption
from bench.profile.timings import read
from bench.profile.trace import write_trace
from bench.profile.write import write_profile
from bench.system.devices import open_device
from bench.training.engine import resolve_engine
from bench.training.precision import rejection_note

if TYPE_CHECKING:
    from bench.cli.options.methods import ProfileOptions


def profile(options: ProfileOptions) -> None:
    """Measure this machine, redraw an earlier result, or trace a few steps of one method."""
    sizes: dict[str, Any] = {"width": options.width, "batch": options.batch, "patch": options.patch}
    setting = sizes | {"device": options.device, "precision": options.precision, "engine": options.engine}
    if options.trace:
        print_files([write_trace(options.trace, folder=options.out, **setting)])
        return
    if not options.result:
        device = open_device(options.device)
        resolve_engine(options.engine, device)  # else the suite fails with a long log
        if note := rejection_note(options.precision, lowest="bfloat16", device=device):
            print_line(open_console(), note)
    timings = read(options.result or measure(options.out, setting | {"rounds": options.rounds}))
    files = write_profile(timings, folder=options.out)
    print_line(open_console(), caption(timings))
    print_files(files)
