"""The command line: help, exit codes and messages of errors."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import typing
from dataclasses import fields, is_dataclass
from inspect import signature
from pkgutil import resolve_name

import pytest

from bench.cli.main import COMMANDS, Command, main
from bench.cli.options.demo import NoiseDemoOptions, ScoreDemoOptions
from bench.system.files import StorageError
from bench.system.signals import Interrupted
from tests.support.command_line import refuse, run_tiny

if typing.TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (StorageError("the disk is full; free some space"), 3, "error: the disk is full; free some space"),
        (Interrupted(signal.SIGTERM), 143, "stopped by SIGTERM: stored runs are kept; the same command"),
        (Interrupted(signal.SIGINT), 130, "stopped by SIGINT: stored runs are kept"),
    ],
)
def test_a_grid_that_stops_has_an_exit_code_and_advice(
    folders: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    said: str,
) -> None:
    def end(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("bench.runs.fit.train", end)
    with pytest.raises(SystemExit) as leaving:
        run_tiny("--methods", "supervised")
    assert leaving.value.code == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "also"),
    [
        (["--help"], {"rich", "typeguard"}),
        (["list", "--help"], {"rich", "typeguard"}),
        (["run", "--help"], {"rich"}),
        (["list"], {"typeguard"}),
    ],
)
def test_help_and_list_import_no_slow_library(arguments: list[str], also: set[str]) -> None:
    code = (
        "import contextlib, linecache, sys; from bench.cli.main import main\n"
        f"with contextlib.suppress(SystemExit): main({arguments})\n"
        "print(*sys.modules, *linecache.cache, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "noise" in done.stdout
    slow = {"torch", "numpy", "pandas", "PIL", "pydantic", typing.__file__} | also
    assert slow & set(done.stderr.split()) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "quik"],
        ["run", "--methods", "sure", "nose2void:radius=3"],
        ["run", "--noises", "poison:1"],
        ["run", "--steps", "0"],
        ["check", "nose2void"],
    ],
)
def test_wrong_names_are_found_before_torch_is_imported(arguments: list[str]) -> None:
    code = (
        "import contextlib, sys; from bench.cli.main import main\n"
        f"with contextlib.suppress(SystemExit): main({arguments})\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.startswith("error: ")
    assert done.stdout == "False\n"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_each_command_has_a_function_of_its_options(command: Command) -> None:
    (parameter,) = signature(resolve_name(command.function)).parameters.values()
    assert parameter.annotation == command.options.__name__


def print_help(capsys: pytest.CaptureFixture[str], command: str) -> str:
    with pytest.raises(SystemExit) as leaving:
        main([*command.split(), "--help"])
    assert leaving.value.code == 0
    return " ".join(capsys.readouterr().out.replace("│", " ").split())


def count_options(options: type) -> int:
    """Count the fields of options, and those of the groups among them."""
    groups = [field.default for field in fields(options) if is_dataclass(field.default)]
    return len(fields(options)) - len(groups) + sum(count_options(type(group)) for group in groups)


LEAVES = {name: command.options for name, command in COMMANDS.items() if name != "demo"}
LEAVES |= {"demo score": ScoreDemoOptions, "demo noise": NoiseDemoOptions}


@pytest.mark.parametrize("command", LEAVES)
def test_help_says_what_each_option_is_and_what_happens_without_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    printed = print_help(capsys, command)
    options = LEAVES[command]
    assert options.__doc__.partition("\n")[0] in printed
    hints = re.findall(r" \((?:default: [^()]+|required|one or more)\)", printed)
    assert len(hints) == count_options(options)
    assert "None" not in printed


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("", [f"• {name} {command.summary()}" for name, command in COMMANDS.items()]),
        ("demo", ["{score,noise}", "• score Learn the score", "• noise Show one photograph"]),
        ("demo score", ["--sigma FLOAT", "noisy points per batch"]),
        ("demo noise", ["IMAGE", "--photograph STR", "seed of the noise"]),
        ("run", ["RECIPE", "--training-noise {frozen,resampled}", "folder for the runs"]),
        ("table", ["RUNS|NAME", "--reports DIR", "name or folder of a published table"]),
        ("collect", ["RUNS ...", "--out DIR", "folder of the reference results"]),
        ("verify", ["NAME", "--cells INT", "exit code is 1 if a number is not reproduced"]),
    ],
)
def test_help_lists_commands_and_options(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, expected: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    printed = print_help(capsys, command)
    for part in expected:
        assert part in printed


@pytest.mark.parametrize("arguments", [[], [""], ["--", "list"], ["--unknown", "list"], ["demo"]])
def test_a_command_line_without_a_command_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert "For full helptext, run noisebench" in refuse(capsys, arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("lst", "unknown command 'lst'; did you mean 'list'?"),
        ("run quik", "unknown recipe 'quik'; did you mean 'quick'?"),
        ("run --methods nois2void", "unknown method 'nois2void'; did you mean 'noise2void'?"),
        ("run --noises gausian:25", "unknown noise 'gausian'; did you mean 'gaussian'?"),
        ("run --train bsd40", "unknown image set 'bsd40'; did you mean 'bsd400'?"),
        ("run --evaluations -1", "evaluations must be at least 0, but is -1"),
        ("run --noises gaussian:0", "sigma > 0, but sigma is 0"),
        ("run --noises gaussian:nan", "finite sigma > 0, but sigma is nan"),
        ("run --noises poisson:-0.01", "zeta > 0, but zeta is -0.01"),
        ("run --noises gamma:1", "k > 1, but k is 1"),
        ("run --noises gaussian", "noise 'gaussian' needs a number for sigma > 0"),
        ("run --device cuda:77", "the device 'cuda:77' is not available; this machine has:"),
        ("run --train ./nothing", "nothing"),
        ("run --patch 4096", "4096"),
        ("run --methods", "at least one of its methods, but none is given"),
        ("run --runs train/0.png", "cannot write to 'train/0.png'"),
        ("table nowhere", "no folder of runs at 'nowhere'"),
        ("table test", "there are no runs in 'test'"),
        ("show abc --runs nowhere", "unknown run in 'nowhere' 'abc'"),
        ("collect nowhere --out reports/here", "no folder of runs at 'nowhere'"),
        ("collect test --out reports/here", "there are no runs in 'test'"),
        ("collect --out reports/here", "there are no runs to collect into"),
        ("verify nothing", "'nothing' is not a published table, neither by its name"),
    ],
)
def test_bad_input_is_named_with_what_is_allowed(
    folders: Path, capsys: pytest.CaptureFixture[str], arguments: str, said: str
) -> None:
    assert said in refuse(capsys, arguments.split())
    assert not list(folders.glob("runs/*/run.json"))
