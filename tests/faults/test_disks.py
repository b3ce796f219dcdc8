"""A full disk, or one that is gone, stops the grid; the store stays valid, and the same call resumes."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.store.recovery import set_aside_damaged
from bench.store.store import Store
from bench.system import files as durable
from bench.system.files import StorageError, write_durably
from tests.support.processes import results

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.runs import Tiny

GRID = {"seeds": (0, 1, 2, 3)}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of a few hundred kilobytes."""
    mount = shutil.which("mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    if mount is None or os.name == "nt" or os.geteuid() != 0:
        pytest.skip("no small disk can be mounted without being root")
    mounted = subprocess.run([mount, "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)  # noqa: S607


def test_a_full_disk_stops_the_grid_and_more_room_lets_it_resume(tiny: Tiny, small_disk: Path) -> None:
    full = replace(tiny, context=replace(tiny.context, store=Store.open(small_disk)))
    with pytest.raises(StorageError, match=r"No space left on device.*the disk is full; free some space"):
        full.launch(**GRID)
    store = full.context.store
    done = store.keys()
    assert 0 < len(done) < 4
    assert set_aside_damaged(store.root) == []
    assert store.failures().empty
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)  # noqa: S607
    outcomes = full.launch(**GRID)
    assert outcomes == ["stored"] * len(done) + ["trained"] * (4 - len(done))
    tiny.launch(**GRID)
    assert results(full).equals(results(tiny))
    print(f"\na disk of 300 KB was full after {len(done)} of 4 runs")


def test_a_store_that_is_gone_stops_the_grid(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tiny.context.store.root
    real = durable.flush_folder

    def unplug(folder: Path) -> None:
        real(folder)
        if folder.parent == root / "partial":
            shutil.move(root, root.with_name("elsewhere"))
            monkeypatch.undo()

    monkeypatch.setattr(durable, "flush_folder", unplug)
    with pytest.raises(StorageError, match=r"No such file .*restore it"):
        tiny.launch(**GRID)
    shutil.rmtree(root, ignore_errors=True)
    shutil.move(root.with_name("elsewhere"), root)
    assert tiny.context.store.failures().empty
    assert tiny.launch(**GRID) == ["trained"] * 4
    assert set_aside_damaged(tiny.context.store.root) == []


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "your quota"),
        (errno.EROFS, "can no longer be written"),
        (errno.EIO, "restore it"),
    ],
)
def test_a_file_that_cannot_be_written_keeps_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    path = tmp_path / "file"
    write_durably(path, b"before")

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match=f"file cannot be written .*{advice}"):
        write_durably(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
