"""Recovery: complete or undo interrupted changes of runs, and set damaged runs aside."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.store.checksums import NEXT, DamagedRunError, check_folder, checksums, read_record
from bench.store.layout import CHECKPOINT, DAMAGED, FAILED, is_run
from bench.store.locks import BusyError, lock
from bench.system.files import move_durably, storing

if TYPE_CHECKING:
    from bench.store.record import StoredRecord


def recover(folder: Path) -> None:
    """Complete a change that ``run.json`` already describes; remove files that it does not list."""
    (folder / CHECKPOINT).unlink(missing_ok=True)
    if (folder / NEXT).is_dir():
        move_next(folder, read_record(folder))


def move_next(folder: Path, record: StoredRecord) -> None:
    """Move the files of ``next/`` that the record lists to their places, and remove the others."""
    following = folder / NEXT
    for name, sha256 in checksums(following).items():
        if record.files.get(name) == sha256:
            target = folder / name
            with storing(target):
                target.parent.mkdir(parents=True, exist_ok=True)
            move_durably(following / name, target)
    shutil.rmtree(following)


def set_aside_damaged(root: Path) -> list[str]:
    """Move damaged runs to ``damaged/``, and return the reason for each.

    Interrupted changes are completed or undone. Runs that another process is working on are not touched.
    """
    found = []
    for folder in sorted(
        path for pattern in ("*", f"{FAILED}/*") for path in root.glob(pattern) if is_run(path)
    ):
        if _is_sound(folder):
            continue
        try:
            with lock(root, folder.name):
                try:
                    recover(folder)
                    check_folder(folder)
                except DamagedRunError as error:
                    found.append(f"{error}; set aside in {_set_aside(folder, root / DAMAGED)}")
        except BusyError:
            continue
    return found


def _set_aside(folder: Path, damaged: Path) -> Path:
    with storing(damaged):
        damaged.mkdir(exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=damaged))
    move_durably(folder, place / folder.name)
    return place


def _is_sound(folder: Path) -> bool:
    """Check whether a run needs no recovery: nothing to complete, tidy or set aside."""
    if (folder / NEXT).exists() or (folder / CHECKPOINT).exists():
        return False
    try:
        check_folder(folder)
    except DamagedRunError:
        return False
    return True
