"""Locks of runs."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from bench.store.locks import BusyError, lock
from bench.system.files import StorageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(os.name == "nt", reason="Windows has locks of another kind")
def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def flock(file: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StorageError, match="no locks"), lock(tmp_path, "abc"):
        pass


def test_a_run_is_locked_once_until_the_lock_is_released(tmp_path: Path) -> None:
    with lock(tmp_path, "abc"):
        with pytest.raises(BusyError, match="another process is working on run abc"), lock(tmp_path, "abc"):
            pass
        with lock(tmp_path, "another"):
            pass
    with lock(tmp_path, "abc"):
        pass


def test_a_folder_that_is_gone_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="gone"), lock(tmp_path / "gone", "abc"):
        pass
