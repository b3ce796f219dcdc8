"""Locks: one process at a time works on a run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from bench.store.layout import LOCKS
from bench.system.files import storing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class BusyError(RuntimeError):
    """Another process is working on a run."""


@contextmanager
def lock(root: Path, key: str) -> Iterator[None]:
    """Lock a run in a folder of runs; the system releases the lock however the process ends.

    Raises:
        BusyError: another process holds the lock.
        StorageError: the folder is gone, or its file system has no locks.
    """
    path = root / LOCKS / f"{key}.lock"
    with storing(path):
        path.parent.mkdir(exist_ok=True)
        held = FileLock(path, fallback_to_soft=False)
        try:
            held.acquire(blocking=False)
        except Timeout as error:
            raise BusyError(f"another process is working on run {key}") from error
    try:
        yield
    finally:
        held.release()
