"""Reference results: the scores and the facts of runs, without weights, as a folder in reports/ has them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.errors import InputError, unknown
from bench.store.integrity import FACTS, FILES, SEAL, read_facts, read_object, write_json
from bench.store.scores import IDENTITY, SCORES, SETTINGS, failures_of, latest, parse_table, write_scores
from bench.store.store import FAILED, PROFILE, Store
from bench.system.files import open_folder, write_durably

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RUNS = "runs"
LOCAL = ("traceback", FILES, SEAL)
"""Facts that speak of the folder in which a run was stored."""

STAMP = ["key", "finished"]
"""By which facts and scores are known to be of the same training."""


@dataclass(frozen=True)
class Reference:
    """A folder with ``scores.parquet``, one row per run and test image, and ``runs/KEY.json`` of each run."""

    folder: Path

    def keys(self) -> list[str]:
        """List the keys of all runs, finished or failed."""
        return sorted(path.stem for path in (self.folder / RUNS).glob("*.json"))

    def facts(self, key: str) -> dict[str, Any]:
        """Read the facts of a run, its ``run.json``; those of a failed one hold an ``error``.

        Raises:
            InputError: no run has that key.
        """
        path = self.folder / RUNS / f"{key}.json"
        if not path.is_file():
            raise unknown(f"run in {str(self.folder)!r}", key, self.keys())
        return read_object(path)

    def scores(self) -> pd.DataFrame:
        """Read the scores of all finished runs, with the columns of ``Store.scores``."""
        path = self.folder / SCORES
        return parse_table(path.read_bytes(), path)

    def failures(self) -> pd.DataFrame:
        """Read the failed runs, one row per run and test set, with the cause in ``error``."""
        return failures_of(facts for facts in map(self.facts, self.keys()) if "error" in facts)


@dataclass(frozen=True)
class _Found:
    """A run as it was found; one that failed has no scores."""

    facts: dict[str, Any]
    scores: pd.DataFrame

    @property
    def key(self) -> str:
        return str(self.facts["key"])

    @property
    def failed(self) -> bool:
        return "error" in self.facts


def open_reference(folder: Path) -> Reference:
    """Open a folder of reference results.

    Raises:
        InputError: the scores are missing, or a run has scores without facts, facts without scores, or facts
            of other scores.
    """
    if not (folder / SCORES).is_file():
        raise InputError(f"{str(folder)!r} holds no reference results: it has no {SCORES}")
    reference = Reference(folder)
    _held(reference)
    return reference


def find_reference(reports: Path, name: str) -> Reference:
    """Open the reference results of that name in a folder of several.

    Raises:
        InputError: there are none of that name; or as by ``open_reference``.
    """
    names = [path.parent.name for path in reports.glob(f"*/{SCORES}")]
    if name not in names:
        raise unknown(f"reference in {str(reports)!r}", name, names)
    return open_reference(reports / name)


def collect(stores: Sequence[Path], folder: Path) -> Reference:
    """Merge the runs of stores into what a folder of reference results already holds.

    Of runs of the same settings the one that finished last stays, as in ``Store.scores``; of copies of one
    run, the one with scores of more test sets. A failed run stays unless one of its settings finished, or
    failed later; its traceback, which names local folders, does not. What is collected in pieces is the same
    as what is collected at once, byte for byte. A throughput profile that lies with the runs comes too, of
    several the last.

    Args:
        stores: folders of runs; one may be empty where the reference is not, for nothing was left to train.
        folder: is made where there is none.

    Raises:
        InputError: there are no runs, the folder cannot be written, or a run has scores without facts, facts
            without scores, or facts of other scores.
    """
    held = _held(Reference(folder), cut_short=True)
    found = list(held)
    for root in stores:
        stored = _stored(Store(root))
        if not stored and not held:
            raise InputError(f"there are no runs in {str(root)!r}; `noisebench run` makes some")
        found += stored
    if not found:
        raise InputError(f"there are no runs to collect into {str(folder)!r}; name folders that hold some")
    runs = {run.key: run for run in sorted(found, key=_rank)}
    scores = latest(run.scores for _, run in sorted(runs.items()) if not run.failed)
    if scores.empty:
        scores = pd.DataFrame(columns=STAMP)  # without a column, it could not be asked for its runs
    else:
        scores = scores.sort_values([*SETTINGS, "image"], ignore_index=True)
    failures = failures_of(run.facts for run in sorted(runs.values(), key=_rank) if run.failed)
    kept = {*scores["key"], *_standing(failures, scores)}
    _write([run for run in runs.values() if run.key in kept], scores, folder)
    for profile in filter(Path.is_file, (root / PROFILE for root in stores)):
        write_durably(open_folder((folder / PROFILE).parent) / PROFILE.name, profile.read_bytes())
    return Reference(folder)


def _held(reference: Reference, *, cut_short: bool = False) -> list[_Found]:
    """Read what a folder of reference results holds, which may be nothing yet.

    Args:
        reference: the folder.
        cut_short: leave out facts without scores, as collecting leaves them if it is interrupted.
    """
    there = (reference.folder / SCORES).is_file()
    by_key = {str(key): rows for key, rows in reference.scores().groupby("key")} if there else {}
    where = reference.folder / RUNS
    found = []
    for key in sorted({*by_key, *reference.keys()}):
        path = where / f"{key}.json"
        if not path.is_file():
            raise InputError(f"a run has scores but no facts: {str(path)!r} is missing")
        facts = read_object(path)
        if key in by_key or "error" in facts or not cut_short:
            found.append(_found(path, facts, by_key.get(key)))
    return found


def _stored(store: Store) -> list[_Found]:
    """Read all runs of a store, finished or failed."""
    failed = sorted(store.root.glob(f"{FAILED}/*/{FACTS}"))
    keys = store.keys()
    finished = [_found(store.root / key / FACTS, store.facts(key), store.scores([key])) for key in keys]
    return finished + [_found(path, read_facts(path.parent), None) for path in failed]


def _found(path: Path, facts: dict[str, Any], scores: pd.DataFrame | None) -> _Found:
    """Join the facts that stand at a path with the scores of the same run.

    Raises:
        InputError: the scores are missing, or the two are not of one run.
    """
    if "error" in facts and scores is None:
        return _Found(facts, pd.DataFrame())
    if scores is None:
        raise InputError(f"run {facts['key']} has facts, {str(path)!r}, but no scores in {SCORES}")
    if absent := sorted({*IDENTITY, *STAMP} - {*scores}):
        raise InputError(f"the scores of run {facts['key']} lack the columns {', '.join(absent)}")
    told = {images for sets in facts.get("evaluation", {}).values() for images in sets}
    stamped = (scores[STAMP] == [facts["columns"].get(name) for name in STAMP]).all(axis=None)
    if "error" in facts or not stamped or not {*scores["images"]} <= told:
        raise InputError(f"run {facts['key']} has facts, {str(path)!r}, of other scores than its own")
    return _Found(facts, scores)


def _rank(run: _Found) -> tuple[bool, str, int]:
    """Grow with what makes one of two copies of a run the one to keep."""
    when = run.facts["started"] if run.failed else run.facts["columns"]["finished"]
    return not run.failed, when, len(run.scores)


def _standing(failures: pd.DataFrame, scores: pd.DataFrame) -> set[str]:
    """Name the failed runs, given oldest first, of whose settings none finished and none failed later."""
    done = set(_settings(scores))
    last = dict(zip(_settings(failures), failures.get("key", []), strict=True))
    return {key for settings, key in last.items() if settings not in done}


def _settings(runs: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(runs.reindex(columns=SETTINGS).itertuples(index=False, name=None))


def _write(runs: Iterable[_Found], scores: pd.DataFrame, folder: Path) -> None:
    """Write scores and facts, and remove the facts of other runs."""
    facts = {run.key: {name: value for name, value in run.facts.items() if name not in LOCAL} for run in runs}
    where = open_folder(folder / RUNS)
    for key, content in facts.items():
        write_json(content, where / f"{key}.json")
    write_scores(scores, folder)
    for path in where.glob("*.json"):
        if path.stem not in facts:
            path.unlink()
