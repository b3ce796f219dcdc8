"""Install a package by pip, but without network and into a separate folder."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def installing_into(target: Path) -> dict[str, str]:
    """Return an environment in which ``pip install`` fills ``target``, whose packages can be imported.

    Skips the test if pip or a build dependency is missing.
    """
    if missing := [name for name in ("pip", "hatchling", "editables") if not find_spec(name)]:
        pytest.skip(f"needs {', '.join(missing)}")
    # Python does not follow the links of an editable package in a folder of PYTHONPATH.
    hook = target / "hook"
    hook.mkdir(parents=True)
    (hook / "sitecustomize.py").write_text(f"import site\nsite.addsitedir({str(target)!r})\n")
    environment = dict(os.environ)
    if environment.pop("PYTHONDONTWRITEBYTECODE", ""):
        # Otherwise every command compiles all of torch again.
        environment["PYTHONPYCACHEPREFIX"] = str(target / "compiled")
    return environment | {
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),  # noqa: PTH120
        "PYTHONPATH": str(hook),
        "PIP_TARGET": str(target),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip takes it as the value of "build isolation"
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "COLUMNS": "200",
    }


def shell(script: str, *, place: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a bash script up to its first failing command; return its exit code and all that it prints."""
    done = subprocess.run(
        ["bash", "-ec", script],  # noqa: S607
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout
