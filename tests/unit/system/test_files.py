"""Durable files: complete or absent, and errors of the system that name what to do."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from bench.errors import InputError
from bench.system.files import StorageError, move_durably, open_folder, storing, write_durably

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"first", b"second"):
        write_durably(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_durably(path, b"first")

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(StorageError, match=r"file cannot be written .*: the disk is full; free some space"):
        write_durably(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_files_and_folders_are_moved(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    write_durably(folder / "file", b"content")
    move_durably(folder, tmp_path / "moved")
    move_durably(tmp_path / "moved" / "file", tmp_path / "file")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "moved"]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_folder_is_created_with_its_parents(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "a" / "b")
    assert folder.is_dir()
    assert not list(folder.iterdir())


def test_a_folder_that_cannot_be_created_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write to '.*file.*': .*; name a folder"):
        open_folder(tmp_path / "file" / "folder")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EDQUOT, "your quota of the disk is used up"),
        (errno.EROFS, "make it writable"),
        (errno.ENOSYS, "no locks"),
        (errno.EIO, "the folder may be missing"),
    ],
)
def test_every_error_of_the_disk_comes_with_advice(tmp_path: Path, number: int, advice: str) -> None:
    with pytest.raises(StorageError, match=advice), storing(tmp_path):
        raise OSError(number, "something")
