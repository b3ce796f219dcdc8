"""The store: one folder per finished run, named by its key; existence is completion."""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from filelock import FileLock, Timeout

from bench.errors import InputError, unknown
from bench.store.archive import unpack
from bench.store.integrity import (
    FACTS,
    FILES,
    NEXT,
    DamagedRunError,
    check_folder,
    checksums,
    read_facts,
    seal_folder,
    write_facts,
)
from bench.store.scores import (
    FINISHED,
    IDENTITY,
    SCORES,
    SETTINGS,
    failures_of,
    latest,
    read_table,
    write_scores,
)
from bench.system.files import StorageError, move_durably, open_folder, storing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.store.archive import Parcel
CURVE, LOG, PICTURES = "curve.parquet", "log.jsonl", "pictures"
CHECKPOINT = "checkpoint.safetensors"
PROFILE = Path("profile") / "throughput.json"
FAILED, PARTIAL, DAMAGED, LOCKS = "failed", "partial", "damaged", "locks"

KEY = re.compile(r"[0-9a-f]{16}")


class BusyError(RuntimeError):
    """Another process is at work on a run."""


@dataclass(frozen=True)
class Store:
    """A folder of runs.

    Finished runs lie in ``KEY/``, failed ones apart in ``failed/KEY/``. A run is written under ``partial/``,
    where it stays if it is interrupted, and moved to its place in one step, so that a folder in its place is
    always whole. Its ``run.json`` holds the checksums of its files; a run that is not as they say is set
    aside in ``damaged/``. Whoever works on a run holds its lock in ``locks/``, which the system gives back
    when the process ends, however it ends; so there is no stale lock to break.
    """

    root: Path

    @classmethod
    def open(cls, root: Path) -> Store:
        """Open a store for writing, making its folder.

        Raises:
            InputError: the folder cannot be made or written.
        """
        return cls(open_folder(root))

    def __contains__(self, key: str) -> bool:
        return (self.root / key).is_dir()

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Keep a run to oneself.

        Raises:
            BusyError: another process has it.
            StorageError: the store is gone, or its file system has no locks.
        """
        path = self.root / LOCKS / f"{key}.lock"
        with storing(path):
            path.parent.mkdir(exist_ok=True)
            lock = FileLock(path, fallback_to_soft=False)
            try:
                lock.acquire(blocking=False)
            except Timeout as error:
                raise BusyError(f"another process is at work on run {key}") from error
        try:
            yield
        finally:
            lock.release()

    def begin(self, key: str) -> Path:
        """Make the folder in which a run is written; one that is there stays as it is."""
        partial = self.root / PARTIAL / key
        with storing(partial):
            partial.mkdir(parents=True, exist_ok=True)
        return partial

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """Give a run's folder, with what an interrupted attempt left of it; then move it to its place.

        The block writes all files and ``run.json``, which is sealed at the end. An exception moves the folder
        among the failed; but an interrupt, and a store that can no longer be written, leave it where it is.
        """
        partial, failed = self.begin(key), self.root / FAILED / key
        try:
            yield partial
        except StorageError:
            raise
        except Exception:
            if (partial / FACTS).is_file():
                self._finish(partial, failed)
            raise
        self._finish(partial, self.root / key)
        shutil.rmtree(failed, ignore_errors=True)

    def _finish(self, partial: Path, target: Path) -> None:
        seal_folder(partial, apart=frozenset({CHECKPOINT}))
        self._place(partial, target)

    def _place(self, partial: Path, target: Path) -> None:
        with storing(target):
            target.parent.mkdir(exist_ok=True)
            if target.exists():
                shutil.rmtree(target)
        move_durably(partial, target)
        (target / CHECKPOINT).unlink(missing_ok=True)

    def adopt(self, key: str, parcel: Parcel) -> None:
        """Take in a run that another store finished, saw fail or extended; its lock is the caller's.

        Raises:
            DamagedRunError: it is not as it was sealed there.
            StorageError: it cannot be written.
        """
        partial = self.begin(key)
        with storing(partial):
            for path in partial.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name != CHECKPOINT:
                    path.unlink()
        unpack(parcel, partial)
        check_folder(partial)
        facts, failed = read_facts(partial), self.root / FAILED / key
        if key in self:
            self._recover(self.root / key)
            move_durably(partial, self.root / key / NEXT)
            write_facts(facts, self.root / key)
            self._adopt_next(self.root / key, facts)
        elif "error" in facts:
            self._place(partial, failed)
        else:
            self._place(partial, self.root / key)
            shutil.rmtree(failed, ignore_errors=True)

    def set_aside_damaged(self) -> list[str]:
        """Move runs that are not as they were stored to ``damaged/``, and say of each what is wrong.

        What is left of an interrupted change is finished or removed. Runs that another process works on are
        let alone.
        """
        found = []
        for folder in sorted(
            path for pattern in ("*", f"{FAILED}/*") for path in self.root.glob(pattern) if _is_run(path)
        ):
            if _is_sound(folder):
                continue
            try:
                with self.lock(folder.name):
                    try:
                        self._recover(folder)
                        check_folder(folder)
                    except DamagedRunError as error:
                        found.append(f"{error}; set aside in {self._set_aside(folder)}")
            except BusyError:
                continue
        return found

    def _set_aside(self, folder: Path) -> Path:
        kept = self.root / DAMAGED
        with storing(kept):
            kept.mkdir(exist_ok=True)
            place = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=kept))
        move_durably(folder, place / folder.name)
        return place

    def _recover(self, folder: Path) -> None:
        """Finish the change that ``run.json`` already tells of, or remove what it does not tell of."""
        (folder / CHECKPOINT).unlink(missing_ok=True)
        if (folder / NEXT).is_dir():
            self._adopt_next(folder, read_facts(folder))

    def _adopt_next(self, folder: Path, facts: dict[str, Any]) -> None:
        following = folder / NEXT
        for name, digest in checksums(following).items():
            if facts[FILES].get(name) == digest:
                target = folder / name
                with storing(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                move_durably(following / name, target)
        shutil.rmtree(following)

    def keys(self) -> list[str]:
        """List the keys of all finished runs."""
        return sorted(path.name for path in self.root.glob("*") if _is_run(path))

    def find(self, name: str) -> Path:
        """Find a finished run by its key, the start of its key, or its folder.

        Raises:
            InputError: no run has that name, or several have.
        """
        if (Path(name) / FACTS).is_file():
            return Path(name)
        matches = [key for key in self.keys() if key.startswith(name)]
        if len(matches) > 1:
            raise InputError(f"the run {name!r} could be any of {', '.join(matches)}; give more of its key")
        if not matches:
            raise unknown(f"run in {str(self.root)!r}", name, self.keys())
        return self.root / matches[0]

    def facts(self, key: str) -> dict[str, Any]:
        """Read a run's ``run.json``.

        Raises:
            DamagedRunError: it is not as it was stored; as do all that read a run.
        """
        return read_facts(self.root / key)

    def begin_extension(self, key: str) -> Path:
        """Make the folder for further pictures of a finished run, which ``extend`` adds with the scores."""
        self._recover(self.root / key)
        following = self.root / key / NEXT
        with storing(following):
            following.mkdir()
        return following

    def extend(self, key: str, rows: pd.DataFrame, evaluated: dict[str, Any]) -> None:
        """Add the scores of further test sets to a finished run; those of the same sets are replaced.

        Everything new lies in ``next/`` before ``run.json`` tells of it, and is moved to its place
        afterwards, so that a crash at any moment leaves the run as it was, or as it shall be.
        """
        folder, facts = self.root / key, self.facts(key)
        before = read_table(folder, SCORES, facts)
        scored, anew = (pd.MultiIndex.from_frame(part[["parameter", "images"]]) for part in (before, rows))
        others = before[~scored.isin(anew)]
        write_scores(pd.concat([others, rows], ignore_index=True), folder / NEXT)
        for noise, sets in evaluated.items():
            facts["evaluation"][noise] = facts["evaluation"].get(noise, {}) | sets
        facts[FILES] |= checksums(folder / NEXT)
        write_facts(facts, folder)
        self._adopt_next(folder, facts)

    def scores(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """Read the scores of finished runs, by default of all; where a run was superseded, the latest alone.

        A run is superseded where one of the same settings was finished later, with a changed method or
        protocol.
        """
        finished = self.keys() if keys is None else [key for key in keys if key in self]
        return latest(map(self._scores_of, finished))

    def _scores_of(self, key: str) -> pd.DataFrame:
        scores = read_table(self.root / key, SCORES, self.facts(key))
        if absent := sorted({*IDENTITY, FINISHED} - {*scores}):
            path = self.root / key / SCORES
            raise DamagedRunError(f"{path} is damaged: it lacks the columns {', '.join(absent)}")
        return scores

    def curves(self) -> pd.DataFrame:
        """Read how quality grew in those finished runs that were scored on their way, the latest of its kind.

        Returns:
            One row per run, step, test set and parameter: the columns of ``scores`` that describe the run,
            with step, seconds, flops and psnr (the mean over the set, dB).
        """
        parts = []
        for key in self.keys():
            facts = self.facts(key)
            if CURVE in facts[FILES]:
                curve = read_table(self.root / key, CURVE, facts)
                parts.append(curve.assign(finished=facts["columns"]["finished"]))
        if not parts:
            return pd.DataFrame()
        rows = pd.concat(parts, ignore_index=True).sort_values(FINISHED, kind="stable")
        latest = rows.groupby(SETTINGS, dropna=False)["key"].transform("last")
        return rows[rows["key"] == latest].reset_index(drop=True)

    def failures(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """Read the failed runs, one row per run and test set, with the cause in ``error``."""
        wanted = None if keys is None else set(keys)
        folders = sorted(path.parent for path in self.root.glob(f"{FAILED}/*/{FACTS}"))
        return failures_of(read_facts(path) for path in folders if wanted is None or path.name in wanted)

    def error_since(self, key: str, moment: datetime) -> str | None:
        """Give the error of a run that failed after a moment; None where there is none."""
        folder = self.root / FAILED / key
        if not (folder / FACTS).is_file():
            return None
        facts = read_facts(folder)
        failed = datetime.fromisoformat(facts.get("failed", facts["started"]))  # older runs lack when
        return str(facts["error"]) if failed >= moment.replace(microsecond=0) else None


def picture_folder(run: Path, noise: str, images: str) -> Path:
    """Say where a run keeps denoised pictures of a test set, under a noise such as ``gaussian:25``."""
    return run / PICTURES / noise.replace(":", "-") / images


def _is_sound(folder: Path) -> bool:
    """Tell whether a run has nothing to be finished, tidied or set aside."""
    if (folder / NEXT).exists() or (folder / CHECKPOINT).exists():
        return False
    try:
        check_folder(folder)
    except DamagedRunError:
        return False
    return True


def _is_run(path: Path) -> bool:
    """Tell a run's folder from others; one without its ``run.json`` is known by its name."""
    return path.is_dir() and (KEY.fullmatch(path.name) is not None or (path / FACTS).exists())
