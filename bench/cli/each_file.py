"""Work on many files one after another: an error in one does not stop the others, and is named."""

from __future__ import annotations

import sys
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.console import open_console, print_error, print_line
from bench.cli.exit_codes import BAD_INPUT, SOME_FAILED
from bench.errors import InputError
from bench.images.sources import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class EachFile:
    """A loop over files, which counts what failed and what was warned of.

    Args:
        strict: leave with the exit code of bad input if there was a warning.
    """

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.failed: list[Path] = []
        self.warned: list[Path] = []

    def warn(self, path: Path, warning: str) -> None:
        """Print a warning about a file."""
        print_line(open_console(stderr=True), (f"{path}: {warning}", "yellow"))
        if path not in self.warned:
            self.warned.append(path)

    def run(self, paths: Sequence[Path], work: Callable[[Path], None]) -> None:
        """Work on each file; the error of the only one is raised, those of several are printed.

        Raises:
            InputError: no file can be used.
        """
        for path in paths:
            try:
                work(path)
            except InputError as error:
                if len(paths) == 1:
                    raise
                print_error("error", str(error))
                self.failed.append(path)
        if self.failed and len(self.failed) == len(paths):
            raise InputError(f"none of {len(paths)} files could be used")
        if self.failed:
            print_error("error", f"{len(self.failed)} of {len(paths)} files failed: {_listed(self.failed)}")
        if self.strict and self.warned:
            done = [path for path in paths if path not in self.failed]
            print_error(
                "strict", f"{len(self.warned)} of {len(done)} files with warnings: {_listed(self.warned)}"
            )

    def leave(self) -> None:
        """End the process with the exit code of what happened, if anything did."""
        if self.strict and self.warned:
            sys.exit(BAD_INPUT)
        if self.failed:
            sys.exit(SOME_FAILED)


def image_paths(given: Sequence[Path]) -> list[Path]:
    """Return the image files that are meant: those named, those in a folder, those that fit a pattern.

    Raises:
        InputError: a folder holds no image file, or no file fits a pattern.
    """
    return list(dict.fromkeys(path for each in given for path in _expanded(each)))


def _expanded(given: Path) -> list[Path]:
    if given.is_dir():
        files = sorted(path for path in given.iterdir() if _is_image(path))
        if not files:
            raise InputError(f"{given}: no image files in this folder; allowed: {', '.join(SUFFIXES)}")
        return files
    if has_magic(str(given)) and not given.exists():
        pattern = str(given.relative_to(given.anchor))
        files = sorted(
            path
            for path in Path(given.anchor).glob(pattern)
            if path.is_file() and not path.name.startswith(".")
        )
        if not files:
            raise InputError(f"no file fits the pattern {str(given)!r}")
        return files
    return [given]


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _listed(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths))
