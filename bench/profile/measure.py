"""Run the throughput suite."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.errors import InputError
from bench.store.layout import PROFILE
from bench.system.files import open_folder

SUITE = Path(__file__).parents[2] / "tests" / "throughput" / "test_throughput.py"


def measure(folder: Path, options: dict[str, Any]) -> Path:
    """Run the throughput suite in a separate process, and return its JSON file.

    Args:
        folder: for the file.
        options: options of the suite, such as ``{"width": 48}``.

    Raises:
        InputError: this is no clone of the repository, or the suite fails.
    """
    if not SUITE.is_file():
        raise InputError(
            "the throughput suite is in tests/throughput of the repository; profile in a clone of it"
        )
    result = open_folder(folder) / PROFILE.name
    command = [sys.executable, "-m", "pytest", str(SUITE), "-q", f"--rootdir={SUITE.parents[2]}"]
    command += [f"--benchmark-json={result}", "--benchmark-columns=median,iqr,rounds"]
    command += [f"--{name}={value}" for name, value in options.items()]
    code = subprocess.run(command, check=False).returncode  # noqa: S603
    if code:
        raise InputError(f"the throughput suite failed (exit code {code}), see above")
    return result
