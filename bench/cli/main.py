"""The command line: ``noisebench run``, ``table``, ``list``, ``show``, ``denoise`` and the others."""

from __future__ import annotations

import sys

import tyro

from bench.cli.authors import check, new
from bench.cli.compare import compare
from bench.cli.console import BAD_INPUT, SIGNALLED, STORE_LOST, open_console, say
from bench.cli.demo import demo
from bench.cli.images import denoise, estimate, fingerprint
from bench.cli.listing import list_, show
from bench.cli.profile import profile
from bench.cli.reference import collect, verify
from bench.cli.report import report
from bench.cli.run import run
from bench.cli.tables import curve, table
from bench.errors import InputError
from bench.system.files import StorageError
from bench.system.signals import Interrupted

app = tyro.extras.SubcommandApp()
# Tyro asks of each command in turn whether its sign for "no default" is an instance of it. Of a function it
# has to ask typeguard, which takes long to load; a hidden `object` in front answers the question without.
app.command(name="object")(tyro.conf.Suppress[object])
app.command(demo, name="demo", help="Demonstrate, with figures: score, noise.")


app.command(name="list")(list_)
for command in (
    run,
    table,
    curve,
    profile,
    show,
    collect,
    verify,
    compare,
    report,
    check,
    new,
    denoise,
    estimate,
    fingerprint,
):
    app.command(command)


def main(args: list[str] | None = None) -> None:
    """Run the command line; exit as README says."""
    try:
        # Were the choice of a command given no help, tyro would search the source of `typing` for some.
        choice = tyro.conf.arg(help="one of these")
        app.cli(prog="noisebench", description=DESCRIPTION, args=args, config=[choice])
    except InputError as error:
        say(open_console(stderr=True), ("error:", "bold red"), f" {error}")
        sys.exit(BAD_INPUT)
    except StorageError as error:
        say(open_console(stderr=True), ("error:", "bold red"), f" {error}")
        sys.exit(STORE_LOST)
    except Interrupted as stopped:
        text = " what is stored stays, and the same command goes on, a training from its checkpoint"
        say(open_console(stderr=True), (f"stopped by {stopped}:", "bold yellow"), text)
        sys.exit(SIGNALLED + stopped.number)


DESCRIPTION = (
    "Train self-supervised image denoisers on identical U-Nets under Gaussian, Poisson and Gamma noise, and "
    "see which to pick and what it costs. Begin with: noisebench run"
)
