"""The commands for method authors: ``noisebench check`` and ``new``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import tyro

from bench.cli.console import SOME_FAILED, open_console, print_grid, say, say_written


def check(method: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")]) -> None:
    """Check whether a method keeps to the contract, and explain each fault; exits with 1 if there is one.

    Takes under a minute on a processor, and no image set.

    Args:
        method: its name, with hyper-parameters if wanted: NAME:KEY=VALUE,KEY=VALUE
    """
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from bench.conformance.suite import examine
    from bench.system.devices import open_device

    open_device("cpu")
    console = open_console()
    findings = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("loading")
        for finding in examine(method):
            findings.append(finding)
            progress.update(task, description=f"{finding.check} {finding.noise}")
    noises = list(dict.fromkeys(finding.noise for finding in findings if finding.noise))
    cells = {
        (finding.check, finding.noise): "FAULT" if finding.fault else finding.measured or "ok"
        for finding in findings
    }
    names = list(dict.fromkeys(finding.check for finding in findings))
    rows = [
        [name, *(cells.get((name, noise)) or cells.get((name, ""), "") for noise in noises)] for name in names
    ]
    if noises:
        print_grid(console, f"{method} against the contract", ["check", *noises], rows)
    faults = [finding for finding in findings if finding.fault]
    for fault in faults:
        place = f"{fault.check}, {fault.noise}" if fault.noise else fault.check
        say(console, (f"{place}: ", "bold red"), fault.fault)
    if faults:
        say(console, f"{len(faults)} of {len(findings)} checks found a fault")
        sys.exit(SOME_FAILED)
    say(console, f"all {len(findings)} checks passed")


def new(
    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")],
    *,
    package: bool = False,
    out: Path = Path(),
) -> None:
    """Begin a method: write a commented sample entry that runs as it is, to be changed line by line.

    Args:
        name: of the method, in lower-case letters, digits and _
        package: write a package of its own, instead of methods/NAME.py in a clone of the repository
        out: in which folder the package's folder is made
    """
    from bench.scaffold.write import begin_entry, begin_package

    written = begin_package(name, out) if package else begin_entry(name)
    say_written(written)
    install = f"pip install -e {written[0].parent} && " if package else ""
    say(open_console(), f"next: {install}noisebench check {name}")
