"""The command ``noisebench check``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.progress import Progress, SpinnerColumn, TextColumn

from bench.cli.console import open_console, print_grid, print_line
from bench.cli.exit_codes import SOME_FAILED
from bench.conformance.suite import examine
from bench.system.devices import open_device

if TYPE_CHECKING:
    from rich.console import Console

    from bench.cli.options.methods import CheckOptions
    from bench.conformance.suite import Finding


def check(options: CheckOptions) -> None:
    """Print what each check found under each noise model; exit with 1 if any found a fault."""
    open_device("cpu")
    console = open_console()
    findings = _examine(console, options.method)
    _print_findings(console, options.method, findings)
    faults = [finding for finding in findings if finding.fault]
    for fault in faults:
        place = f"{fault.check}, {fault.noise}" if fault.noise else fault.check
        print_line(console, (f"{place}: ", "bold red"), fault.fault)
    if faults:
        print_line(console, f"{len(faults)} of {len(findings)} checks found a fault")
        sys.exit(SOME_FAILED)
    print_line(console, f"all {len(findings)} checks passed")


def _examine(console: Console, method: str) -> list[Finding]:
    findings = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("loading")
        for finding in examine(method):
            findings.append(finding)
            progress.update(task, description=f"{finding.check} {finding.noise}")
    return findings


def _print_findings(console: Console, method: str, findings: list[Finding]) -> None:
    noises = list(dict.fromkeys(finding.noise for finding in findings if finding.noise))
    if not noises:
        return
    cells = {
        (finding.check, finding.noise): "FAULT" if finding.fault else finding.measured or "ok"
        for finding in findings
    }
    names = dict.fromkeys(finding.check for finding in findings)
    everywhere = {name: cells.get((name, ""), "") for name in names}  # for checks of the declaration
    rows = [[name, *(cells.get((name, noise), everywhere[name]) for noise in noises)] for name in names]
    print_grid(console, f"{method} against the contract", ["check", *noises], rows)
