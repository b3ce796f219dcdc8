"""The store: one folder per finished run, named by its key; a run that exists is complete."""

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
    """A folder of runs, opened for writing.

    Finished runs are in ``KEY/``, failed ones in ``failed/KEY/``. A run is written in ``partial/``, where it
    stays if it is interrupted, and finally moved to its place in one step, so that a folder in its place is
    always complete. Its ``run.json`` contains the checksums of its files. A process that works on a run holds
    its lock.
    """

    @classmethod
    def open(cls, root: Path) -> Store:
        """Open a store for writing, creating its folder.

        Raises:
            InputError: the folder cannot be created or written.
        """
        return cls(open_folder(root))

    def lock(self, key: str) -> AbstractContextManager[None]:
        """Lock a run; see ``bench.store.locks.lock``."""
        return lock(self.root, key)

    def begin(self, key: str) -> Path:
        """Create the folder in which a run is written; an existing one is left unchanged."""
        partial = self.root / PARTIAL / key
        with storing(partial):
            partial.mkdir(parents=True, exist_ok=True)
        return partial

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """Open the folder of a run, with files of an interrupted attempt; afterwards move it in place.

        The block writes all files and ``run.json``, to which checksums are added. After an exception the
        folder is moved to the failed runs; after an interrupt, or if the store cannot be written, it stays in
        place.
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
        """Add a run that finished, failed or was extended in another store; the caller holds its lock.

        Raises:
            DamagedRunError: the run has changed since it was stored there.
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
        """Create the folder for further images of a finished run; ``extend`` adds them with the scores."""
        recover(self.root / key)
        following = self.root / key / NEXT
        with storing(following):
            following.mkdir()
        return following

    def extend(self, key: str, rows: pd.DataFrame, evaluated: dict[str, dict[str, Evaluation]]) -> None:
        """Add the scores of further test sets to a finished run; scores of the same sets are replaced.

        New files are in ``next/`` before ``run.json`` lists them, and are moved to their places afterwards. A
        crash at any moment therefore leaves either the old run or the new one.

        Args:
            key: key of the run.
            rows: scores of the test sets.
            evaluated: the scored test sets, by noise and test set.
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
    """Empty the folder of a run, except for its checkpoint."""
    with storing(partial):
        for path in partial.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != CHECKPOINT:
                path.unlink()
