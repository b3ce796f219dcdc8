"""Provenance: the code and the versions that produced a number."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path

LIBRARIES = (
    "noisebench",
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "torchmetrics",
    "lpips",
    "pillow",
    "scikit-image",
)


def versions(*further: str) -> dict[str, str]:
    """Return the versions of Python, of the libraries that scores depend on, and of ``further`` ones."""
    found = {"python": platform.python_version()}
    for library in (*LIBRARIES, *further):
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            found[library] = "not installed as a package"
    return found


def commit() -> str | None:
    """Return the git commit of this checkout, with ``+changes`` where files differ; None outside one."""
    folder = Path(__file__).parent
    try:
        # An installed copy may be inside the checkout of another project, whose commit is unrelated.
        _git(folder, "ls-files", "--error-unmatch", Path(__file__).name)
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+changes" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
