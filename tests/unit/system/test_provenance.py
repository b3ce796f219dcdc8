"""Which code gave a number."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

from bench.system import provenance

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *IDENTITY, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit_of_copy(folder: Path) -> str:
    """Ask a copy of the module in ``folder`` for its commit."""
    code = "import provenance; print(provenance.commit())"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout.strip()


def test_versions_are_those_installed() -> None:
    found = provenance.versions()
    assert found["python"] == platform.python_version()
    assert found["torch"] == metadata.version("torch")


def test_a_commit_is_returned_only_for_code_that_belongs_to_it(tmp_path: Path) -> None:
    shutil.copy(provenance.__file__, tmp_path / "provenance.py")
    assert commit_of_copy(tmp_path) == "None"
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "somebody else's")
    assert commit_of_copy(tmp_path) == "None"
    git(tmp_path, "add", "provenance.py")
    git(tmp_path, "commit", "--quiet", "--message", "ours")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert commit_of_copy(tmp_path) == head
    with (tmp_path / "provenance.py").open("a") as file:
        file.write("# changed\n")
    assert commit_of_copy(tmp_path) == f"{head}+changes"
