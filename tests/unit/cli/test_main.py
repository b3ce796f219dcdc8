"""The command line: help, exit codes and messages of errors."""

from __future__ import annotations

import signal
import subprocess
import sys
import typing

import pytest

from bench.cli.main import COMMANDS, main
from bench.system.files import StorageError
from bench.system.signals import Interrupted
from tests.support.command_line import refuse, run_tiny

if typing.TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (StorageError("the disk is full; free some space"), 3, "error: the disk is full; free some space"),
        (
            Interrupted(signal.SIGTERM),
            143,
            "stopped by SIGTERM: what is stored stays, and the same",
        ),
        (Interrupted(signal.SIGINT), 130, "stopped by SIGINT: what is stored stays"),
    ],
)
def test_what_stops_a_grid_has_an_exit_code_and_advice(
    folders: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    said: str,
) -> None:
    def end(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("bench.runs.execute.train", end)
    with pytest.raises(SystemExit) as leaving:
        run_tiny("--methods", "supervised")
    assert leaving.value.code == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "also"), [(["--help"], {"rich"}), (["list", "--help"], {"rich"}), (["list"], set())]
)
def test_what_needs_no_library_waits_for_none(arguments: list[str], also: set[str]) -> None:
    code = (
        "import contextlib, linecache, sys; from bench.cli import main\n"
        f"with contextlib.suppress(SystemExit): main({arguments})\n"
        "print(*sys.modules, *linecache.cache, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "noise" in done.stdout
    slow = {"torch", "numpy", "pandas", "PIL", "pydantic", "typeguard", typing.__file__} | also
    assert not slow & set(done.stderr.split())


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("", [f"• {name}" for name in COMMANDS]),
        ("demo", ["{score,noise}", "• score Learn the score", "• noise Show one photograph"]),
        ("demo score", ["--sigma FLOAT", "noisy points of a step"]),
        ("demo noise", ["IMAGE", "--photograph STR", "of the noise"]),
        ("run", ["RECIPE", "--training-noise {frozen,resampled}", "where runs are stored"]),
        ("table", ["RUNS|NAME", "--reports PATH", "a published table by its name or folder"]),
        ("collect", ["RUNS ...", "--out PATH", "the folder of the reference"]),
        ("verify", ["NAME", "--cells INT", "exits with 1 where a number is not reproduced"]),
    ],
)
def test_help_says_what_there_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, expected: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as leaving:
        main([*command.split(), "--help"])
    assert leaving.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "object" not in printed
    for part in expected:
        assert part in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("run quik", "unknown recipe 'quik'; did you mean 'quick'?"),
        ("run --methods nois2void", "unknown method 'nois2void'; did you mean 'noise2void'?"),
        ("run --noises gausian:25", "unknown noise 'gausian'; did you mean 'gaussian'?"),
        ("run --train bsd40", "unknown image set 'bsd40'; did you mean 'bsd400'?"),
        ("run --looks -1", "looks must be at least 0, but is -1"),
        ("run --noises gaussian:0", "sigma > 0, but sigma is 0"),
        ("run --noises gaussian:nan", "finite sigma > 0, but sigma is nan"),
        ("run --noises poisson:-0.01", "zeta > 0, but zeta is -0.01"),
        ("run --noises gamma:1", "k > 1, but k is 1"),
        ("run --noises gaussian", "noise 'gaussian' needs a number for sigma > 0"),
        ("run --device cuda:77", "the device 'cuda:77' is not there; this machine has:"),
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
