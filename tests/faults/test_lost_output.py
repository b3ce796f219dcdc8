"""Commands finish their work where their output is closed, full, cut off or of a small encoding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.exit_codes import BAD_INPUT, STORE_LOST

COMMAND = f"'{sys.executable}' -c 'from bench.cli.main import main; main()'"
FULL = Path("/dev/full")


def shell(text: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which NOISEBENCH is the command."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", text.replace("NOISEBENCH", COMMAND)],  # noqa: S607
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("| true", 0),
        ("| head -c 1", 0),
        (">&-", 0),
        (">&- 2>&-", 0),
        pytest.param("> /dev/full", STORE_LOST, marks=needs_full),
        pytest.param("> /dev/full 2> /dev/full", STORE_LOST, marks=needs_full),
    ],
)
def test_files_are_written_although_the_output_is_lost(tmp_path: Path, output: str, code: int) -> None:
    done = shell(f"NOISEBENCH new my_method --package {output}", tmp_path)
    assert len(list((tmp_path / "noisebench-my-method").iterdir())) == 4
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert ("standard output could not be written" in done.stderr) == (output == "> /dev/full")


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "latin-1"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}],
    ids=str,
)
def test_any_encoding_will_do(tmp_path: Path, environment: dict[str, str]) -> None:
    expected = shell("NOISEBENCH list noises", tmp_path, PYTHONIOENCODING="utf-8")
    done = shell("NOISEBENCH list noises", tmp_path, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert not expected.stdout.isascii()
    assert len(done.stdout.split()) == len(expected.stdout.split())


@needs_full
def test_errors_keep_their_code_although_they_cannot_be_read(tmp_path: Path) -> None:
    for output in ("2> /dev/full", "2>&-", "2>&1 | true"):
        assert shell(f"NOISEBENCH run quik {output}", tmp_path).returncode == BAD_INPUT
