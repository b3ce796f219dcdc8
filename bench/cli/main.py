"""The command line: ``noisebench run``, ``table``, ``list``, ``show``, ``denoise`` and the others."""

from __future__ import annotations

import sys
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn, Union

import tyro

from bench.cli.exit_codes import BAD_INPUT, SIGNALLED, STORE_LOST
from bench.cli.options import demo, images, methods, results, run
from bench.cli.output_stream import lasting_output
from bench.errors import InputError, unknown
from bench.system.files import StorageError
from bench.system.signals import Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

DESCRIPTION = (
    "Train self-supervised image denoisers on identical U-Nets under Gaussian, Poisson and Gamma noise, and "
    "see which one to pick and what it costs. Start with: noisebench run"
)


class Command(NamedTuple):
    """A command of the command line.

    Args:
        options: a frozen dataclass; its docstring is the help, and the first line of that the summary.
        function: the function to call with them, as ``module:function``. The module is imported only when the
            command is called, because torch takes seconds to import.
    """

    options: type
    function: str

    def summary(self) -> str:
        """Return the first line of the help."""
        return (self.options.__doc__ or "").partition("\n")[0]


COMMANDS = {
    "run": Command(run.RunOptions, "bench.cli.commands.run:run"),
    "table": Command(results.TableOptions, "bench.cli.commands.results.table:table"),
    "curve": Command(results.CurveOptions, "bench.cli.commands.results.curve:curve"),
    "report": Command(results.ReportOptions, "bench.cli.commands.results.report:report"),
    "compare": Command(results.CompareOptions, "bench.cli.commands.results.compare:compare"),
    "list": Command(methods.ListOptions, "bench.cli.commands.methods.list:list_"),
    "show": Command(results.ShowOptions, "bench.cli.commands.results.show:show"),
    "denoise": Command(images.DenoiseOptions, "bench.cli.commands.images.denoise:denoise"),
    "estimate": Command(images.EstimateOptions, "bench.cli.commands.images.estimate:estimate"),
    "fingerprint": Command(images.FingerprintOptions, "bench.cli.commands.images.fingerprint:fingerprint"),
    "new": Command(methods.NewOptions, "bench.cli.commands.methods.new:new"),
    "check": Command(methods.CheckOptions, "bench.cli.commands.methods.check:check"),
    "profile": Command(methods.ProfileOptions, "bench.cli.commands.methods.profile:profile"),
    "collect": Command(results.CollectOptions, "bench.cli.commands.results.collect:collect"),
    "verify": Command(results.VerifyOptions, "bench.cli.commands.results.verify:verify"),
    "demo": Command(demo.DemoOptions, "bench.cli.commands.demo:demo"),
}


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; ``docs/exit-codes.md`` lists the exit codes."""
    try:
        with lasting_output():
            _run_or_fail(sys.argv[1:] if args is None else args)
    except StorageError as error:
        with lasting_output():
            _fail(STORE_LOST, "error", str(error))


def _run_or_fail(args: Sequence[str]) -> None:
    try:
        _run(args)
    except InputError as error:
        _fail(BAD_INPUT, "error", str(error))
    except StorageError as error:
        _fail(STORE_LOST, "error", str(error))
    except Interrupted as signal:
        advice = "stored runs are kept; the same command resumes, each training run from its last checkpoint"
        _fail(SIGNALLED + signal.number, f"stopped by {signal}", advice)


def _fail(code: int, title: str, message: str) -> NoReturn:
    # `--help` does not need rich, which takes a tenth of a second to import.
    from bench.cli.console import print_error

    print_error(title, message)
    sys.exit(code)


def _run(args: Sequence[str]) -> None:
    name, *rest = args or [""]
    if name in COMMANDS:
        command = COMMANDS[name]
        options: Any = tyro.cli(command.options, prog=f"noisebench {name}", args=rest)
        if hasattr(options, "check"):
            options.check()
        resolve_name(command.function)(options)
    elif name and not name.startswith("-"):
        raise unknown("command", name, COMMANDS)
    else:
        # Without its own help text, tyro would search the source of `typing` for a description of the choice.
        choice = tyro.conf.arg(help="one of these")
        tyro.cli(_any_command(), prog="noisebench", description=DESCRIPTION, args=args, config=[choice])


def _any_command() -> Any:
    """Return the union of all commands' options, for the help that lists them."""
    described: list[Any] = [
        Annotated[command.options, tyro.conf.subcommand(name, description=command.summary())]
        for name, command in COMMANDS.items()
    ]
    return Union[tuple(described)]  # noqa: UP007 - built from a tuple
