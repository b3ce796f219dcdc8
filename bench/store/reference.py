"""Reference results: a folder with the scores and records of runs, without weights, as in reports/."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.errors import InputError, unknown
from bench.store.checksums import RECORD, DamagedRunError, read_object, read_record, write_json
from bench.store.layout import FAILED, PROFILE, SCORES
from bench.store.record import RunRecord
from bench.store.scores import IDENTITY, SETTINGS, failures_of, hash_scores, latest, parse_table, write_scores
from bench.store.stored_runs import StoredRuns
from bench.system.files import open_folder, write_durably

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RUNS = "runs"

STAMP = ["key", "finished"]
"""Columns that show whether a record and scores belong to the same training run."""


@dataclass(frozen=True)
class Reference:
    """A folder with ``scores.parquet``, one row per run and test image, and ``runs/KEY.json`` of each run."""

    folder: Path

    def keys(self) -> list[str]:
        """List the keys of all runs, finished or failed."""
        return sorted(path.stem for path in (self.folder / RUNS).glob("*.json"))

    def record(self, key: str) -> RunRecord:
        """Read the record of a run; a failed run has an ``error``.

        Raises:
            InputError: no run has this key, or its record is damaged.
        """
        path = self.folder / RUNS / f"{key}.json"
        if not path.is_file():
            raise unknown(f"run in {str(self.folder)!r}", key, self.keys())
        return _read(path)

    def scores(self) -> pd.DataFrame:
        """Read the scores of all finished runs, with the columns of ``StoredRuns.scores``."""
        path = self.folder / SCORES
        return parse_table(path.read_bytes(), path)

    def failures(self) -> pd.DataFrame:
        """Read the failed runs, one row per run and test set, with the cause in ``error``."""
        return failures_of(record for record in map(self.record, self.keys()) if record.error is not None)


@dataclass(frozen=True)
class _Found:
    """A run to collect; a failed run has no scores."""

    record: RunRecord
    scores: pd.DataFrame

    @property
    def key(self) -> str:
        return self.record.key

    @property
    def failed(self) -> bool:
        return self.record.error is not None


def open_reference(folder: Path) -> Reference:
    """Open a folder of reference results.

    Raises:
        InputError: the scores are missing, or a run has scores without a record, a record without scores, or
            the record of other scores.
    """
    if not (folder / SCORES).is_file():
        raise InputError(f"{str(folder)!r} holds no reference results: it has no {SCORES}")
    reference = Reference(folder)
    _read_runs(reference)
    return reference


def find_reference(reports: Path, name: str) -> Reference:
    """Open the reference results of the given name in a folder of several.

    Raises:
        InputError: no results have this name; or as raised by ``open_reference``.
    """
    names = [path.parent.name for path in reports.glob(f"*/{SCORES}")]
    if name not in names:
        raise unknown(f"reference in {str(reports)!r}", name, names)
    return open_reference(reports / name)


def collect(stores: Sequence[Path], folder: Path) -> Reference:
    """Merge the runs of stores into a folder of reference results.

    Among runs with the same settings the one that finished last is kept, as in ``StoredRuns.scores``; among
    copies of one run, the one with scores for more test sets. A failed run is kept unless a run with its
    settings finished, or failed later; its traceback, which names local folders, is left out. Collecting in
    pieces gives the same bytes as collecting at once. The throughput profile in a folder of runs is copied
    too; with several, the last one.

    Args:
        stores: folders of runs; one may be empty if the reference is not, when nothing was left to train.
        folder: folder of the reference results; created if it does not exist.

    Raises:
        InputError: there are no runs, the folder cannot be written, or a run has scores without a record, a
            record without scores, or the record of other scores.
    """
    held = _read_runs(Reference(folder), cut_short=True)
    found = list(held)
    for root in stores:
        stored = _stored(StoredRuns(root))
        if not stored and not held:
            raise InputError(f"there are no runs in {str(root)!r}; `noisebench run` fills one")
        found += stored
    if not found:
        raise InputError(f"there are no runs to collect into {str(folder)!r}; name folders that hold some")
    runs = {run.key: run for run in sorted(found, key=_rank)}
    scores = latest(run.scores for _, run in sorted(runs.items()) if not run.failed)
    if scores.empty:
        scores = pd.DataFrame(columns=STAMP)  # without this column its runs could not be selected
    else:
        scores = scores.sort_values([*SETTINGS, "image"], ignore_index=True)
    failures = failures_of(run.record for run in sorted(runs.values(), key=_rank) if run.failed)
    kept = {*scores["key"], *_unresolved(failures, scores)}
    _write([run for run in runs.values() if run.key in kept], scores, folder)
    for profile in filter(Path.is_file, (root / PROFILE for root in stores)):
        write_durably(open_folder((folder / PROFILE).parent) / PROFILE.name, profile.read_bytes())
    return Reference(folder)


def with_checksum(record: RunRecord, rows: pd.DataFrame) -> RunRecord:
    """Add the checksum of a run's scores to its record."""
    return record.model_copy(update={"scores_sha256": hash_scores(rows)})


def _read_runs(reference: Reference, *, cut_short: bool = False) -> list[_Found]:
    """Read a folder of reference results, which may still be empty.

    Args:
        reference: the folder.
        cut_short: leave out records without scores, which an interrupted call leaves behind.
    """
    exists = (reference.folder / SCORES).is_file()
    by_key = {str(key): rows for key, rows in reference.scores().groupby("key")} if exists else {}
    where = reference.folder / RUNS
    found = []
    for key in sorted({*by_key, *reference.keys()}):
        path = where / f"{key}.json"
        if not path.is_file():
            raise InputError(f"a run has scores but no record: {str(path)!r} is missing")
        record = _read(path)
        if key in by_key or record.error is not None or not cut_short:
            found.append(_found(path, record, by_key.get(key)))
    return found


def _read(path: Path) -> RunRecord:
    try:
        return RunRecord.from_json(read_object(path))
    except DamagedRunError:
        raise
    except ValueError as error:
        raise DamagedRunError(f"{path} is damaged: {error}") from error


def _stored(runs: StoredRuns) -> list[_Found]:
    """Read all runs of a store, finished or failed."""
    failed = sorted(runs.root.glob(f"{FAILED}/*/{RECORD}"))
    keys = runs.keys()
    finished = [_found(runs.root / key / RECORD, runs.record(key), runs.scores([key])) for key in keys]
    return finished + [_found(path, read_record(path.parent), None) for path in failed]


def _found(path: Path, record: RunRecord, scores: pd.DataFrame | None) -> _Found:
    """Join a record with the scores of the same run.

    Raises:
        InputError: the scores are missing, or the two belong to different runs.
    """
    if record.error is not None and scores is None:
        return _Found(record, pd.DataFrame())
    if scores is None:
        raise InputError(f"run {record.key} has a record, {str(path)!r}, but no scores in {SCORES}")
    if absent := sorted({*IDENTITY, *STAMP} - {*scores}):
        raise InputError(f"the scores of run {record.key} lack the columns {', '.join(absent)}")
    evaluated = {images for sets in record.evaluation.values() for images in sets}
    stamped = (scores[STAMP] == [record.columns.get(name) for name in STAMP]).all(axis=None)
    if record.error is not None or not stamped or not {*scores["images"]} <= evaluated:
        raise InputError(f"run {record.key} has a record, {str(path)!r}, of other scores than its own")
    if record.scores_sha256 is not None and record.scores_sha256 != hash_scores(scores):
        raise DamagedRunError(
            f"the scores of run {record.key} have changed since they were collected: their sha256 is not the "
            f"one in {str(path)!r}"
        )
    return _Found(record, scores)


def _rank(run: _Found) -> tuple[bool, str, int]:
    """Return a sort key that is largest for the copy of a run to keep."""
    when = run.record.started if run.failed else str(run.record.finished)
    return not run.failed, when, len(run.scores)


def _unresolved(failures: pd.DataFrame, scores: pd.DataFrame) -> set[str]:
    """Select failed runs, given oldest first, if no run with their settings finished or failed later."""
    done = set(_settings(scores))
    last = dict(zip(_settings(failures), failures.get("key", []), strict=True))
    return {key for settings, key in last.items() if settings not in done}


def _settings(runs: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(runs.reindex(columns=SETTINGS).itertuples(index=False, name=None))


def _write(runs: Iterable[_Found], scores: pd.DataFrame, folder: Path) -> None:
    """Write scores, and records with the checksums of their scores; remove the records of other runs."""
    records = {run.key: run.record.without_folder() for run in runs}
    for key, rows in scores.groupby("key"):
        records[str(key)] = with_checksum(records[str(key)], rows)
    where = open_folder(folder / RUNS)
    for key, record in records.items():
        write_json(record.to_json(), where / f"{key}.json")
    write_scores(scores, folder)
    for path in where.glob("*.json"):
        if path.stem not in records:
            path.unlink()
