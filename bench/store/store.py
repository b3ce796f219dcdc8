"""The store: one folder per finished run, named by its key; existence is completion."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pandas as pd

from bench.store.archive import unpack
from bench.store.checksums import (
    NEXT,
    RECORD,
    add_checksums,
    check_folder,
    checksums,
    read_record,
    write_record,
)
from bench.store.layout import CHECKPOINT, FAILED, PARTIAL, SCORES
from bench.store.locks import lock
from bench.store.recovery import move_next, recover
from bench.store.scores import read_table, write_scores
from bench.store.stored_runs import StoredRuns
from bench.system.files import StorageError, move_durably, open_folder, storing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.store.archive import Archive
    from bench.store.record import Evaluation


class Store(StoredRuns):
    """A folder of runs to which runs are added.

    Finished runs are in ``KEY/``, failed ones apart in ``failed/KEY/``. A run is written under ``partial/``,
    where it stays if it is interrupted, and moved to its place in one step, so that a folder in its place is
    always complete. Its ``run.json`` holds the checksums of its files. Whoever works on a run holds its lock.
    """

    @classmethod
    def open(cls, root: Path) -> Store:
        """Open a store for writing, creating its folder.

        Raises:
            InputError: the folder cannot be created or written.
        """
        return cls(open_folder(root))

    def lock(self, key: str) -> AbstractContextManager[None]:
        """Lock a run, as ``bench.store.locks.lock``."""
        return lock(self.root, key)

    def begin(self, key: str) -> Path:
        """Create the folder in which a run is written; an existing one stays as it is."""
        partial = self.root / PARTIAL / key
        with storing(partial):
            partial.mkdir(parents=True, exist_ok=True)
        return partial

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """Open a run's folder, with what an interrupted attempt left in it; afterwards move it to its place.

        The block writes all files and ``run.json``, to which the checksums are added. An exception moves the
        folder among the failed; but an interrupt, and a store that cannot be written, leave it where it is.
        """
        partial, failed = self.begin(key), self.root / FAILED / key
        try:
            yield partial
        except StorageError:
            raise
        except Exception:
            if (partial / RECORD).is_file():
                _finish(partial, failed)
            raise
        _finish(partial, self.root / key)
        shutil.rmtree(failed, ignore_errors=True)

    def adopt(self, key: str, archive: Archive) -> None:
        """Take over a run that another store finished, failed or extended; its lock is the caller's.

        Raises:
            DamagedRunError: it is not as it was stored there.
            StorageError: it cannot be written.
        """
        partial = self.begin(key)
        _clear(partial)
        unpack(archive, partial)
        check_folder(partial)
        record, failed = read_record(partial), self.root / FAILED / key
        if key in self:
            folder = self.root / key
            recover(folder)
            move_durably(partial, folder / NEXT)
            write_record(record, folder)
            move_next(folder, record)
        elif record.error is not None:
            _place(partial, failed)
        else:
            _place(partial, self.root / key)
            shutil.rmtree(failed, ignore_errors=True)

    def begin_extension(self, key: str) -> Path:
        """Create the folder for further images of a finished run, which ``extend`` adds with the scores."""
        recover(self.root / key)
        following = self.root / key / NEXT
        with storing(following):
            following.mkdir()
        return following

    def extend(self, key: str, rows: pd.DataFrame, evaluated: dict[str, dict[str, Evaluation]]) -> None:
        """Add the scores of further test sets to a finished run; those of the same sets are replaced.

        Everything new is in ``next/`` before ``run.json`` lists it, and is moved to its place afterwards, so
        that a crash at any moment leaves the run as it was, or as it shall be.

        Args:
            key: of the run.
            rows: the scores.
            evaluated: what was scored, by noise and test set.
        """
        folder, record = self.root / key, self.record(key)
        before = read_table(folder, SCORES, record)
        old, new = (pd.MultiIndex.from_frame(part[["parameter", "images"]]) for part in (before, rows))
        others = before[~old.isin(new)]
        write_scores(pd.concat([others, rows], ignore_index=True), folder / NEXT)
        for noise, sets in evaluated.items():
            record.evaluation[noise] = record.evaluation.get(noise, {}) | sets
        record.files |= checksums(folder / NEXT)
        write_record(record, folder)
        move_next(folder, record)


def _finish(partial: Path, target: Path) -> None:
    add_checksums(partial, without=frozenset({CHECKPOINT}))
    _place(partial, target)


def _place(partial: Path, target: Path) -> None:
    """Move a run from ``partial/`` to its place, and remove its checkpoint."""
    with storing(target):
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            shutil.rmtree(target)
    move_durably(partial, target)
    (target / CHECKPOINT).unlink(missing_ok=True)


def _clear(partial: Path) -> None:
    """Empty a run's folder, except for its checkpoint."""
    with storing(partial):
        for path in partial.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != CHECKPOINT:
                path.unlink()
