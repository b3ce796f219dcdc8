"""Durable files: complete or absent, and flushed, so that no crash or power cut leaves a partial file."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEW = ".new"
"""Suffix of a file that is not complete yet."""

RESUME = "stored results stay valid, and the same command resumes from there"
ADVICE = {
    errno.ENOSPC: f"the disk is full; free some space, or move the folder to a larger disk: {RESUME}",
    errno.EDQUOT: f"your quota of the disk is used up; free some space, or move the folder: {RESUME}",
    errno.ENOSYS: "its file system has no locks (flock), by which processes share it; choose another folder",
    errno.EROFS: f"the disk can no longer be written, as after a fault; make it writable: {RESUME}",
}
OTHERWISE = f"the folder may be missing or unreachable; restore it: {RESUME}"


class StorageError(RuntimeError):
    """Results can no longer be written: the disk is full, or gone. Nothing that was stored is lost."""


def open_folder(folder: Path) -> Path:
    """Create a folder and check that files can be written to it.

    Raises:
        InputError: it cannot be created or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"cannot write to {str(folder)!r}: {reason}; name a folder that can be written"
        ) from error
    return folder


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn system errors while writing to ``path`` into errors with advice.

    Raises:
        StorageError: an operation in the block failed.
    """
    try:
        yield
    except OSError as error:
        advice = ADVICE.get(error.errno or 0, OTHERWISE)
        raise StorageError(f"{path} cannot be written ({error.strerror or error}): {advice}") from error


def write_durably(path: Path, content: bytes) -> None:
    """Write a file in one step: a reader finds either the complete old file or the complete new one.

    Raises:
        StorageError: it cannot be written; the old file is unchanged.
    """
    beside = path.with_name(path.name + NEW)
    with storing(path):
        try:
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        flush_folder(path.parent)


def move_durably(source: Path, target: Path) -> None:
    """Move a file or a folder of flushed files to its place in one step.

    Raises:
        StorageError: it cannot be moved; the original stays in place.
    """
    with storing(target):
        flush_folder(source.parent if source.is_file() else source)
        source.replace(target)
        flush_folder(target.parent)
        flush_folder(source.parent)


def flush_folder(folder: Path) -> None:
    """Flush the directory entries of a folder, which are separate from file contents; not on Windows."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
