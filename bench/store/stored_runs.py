"""Read a folder of runs: records, scores, curves and failures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from bench.errors import InputError, unknown
from bench.store.checksums import RECORD, DamagedRunError, read_record
from bench.store.layout import CURVE, FAILED, SCORES, is_run
from bench.store.scores import FINISHED, IDENTITY, SETTINGS, failures_of, latest, read_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.store.record import StoredRecord


@dataclass(frozen=True)
class StoredRuns:
    """The runs in a folder; reading a damaged run raises DamagedRunError."""

    root: Path

    def __contains__(self, key: str) -> bool:
        return (self.root / key).is_dir()

    def keys(self) -> list[str]:
        """List the keys of all finished runs."""
        return sorted(path.name for path in self.root.glob("*") if is_run(path))

    def find(self, name: str) -> Path:
        """Find a finished run by its key, the start of its key, or its folder.

        Raises:
            InputError: no run matches, or several do.
        """
        if (Path(name) / RECORD).is_file():
            return Path(name)
        matches = [key for key in self.keys() if key.startswith(name)]
        if len(matches) > 1:
            raise InputError(f"the run {name!r} could be any of {', '.join(matches)}; give more of its key")
        if not matches:
            raise unknown(f"run in {str(self.root)!r}", name, self.keys())
        return self.root / matches[0]

    def record(self, key: str) -> StoredRecord:
        """Read the record of a finished run."""
        return read_record(self.root / key)

    def scores(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """Read the scores of finished runs, by default all; of runs with the same settings only the latest.

        Runs with the same settings differ in the method's source or in the protocol.
        """
        finished = self.keys() if keys is None else [key for key in keys if key in self]
        return latest(map(self._scores_of, finished))

    def _scores_of(self, key: str) -> pd.DataFrame:
        scores = read_table(self.root / key, SCORES, self.record(key))
        if absent := sorted({*IDENTITY, FINISHED} - {*scores}):
            path = self.root / key / SCORES
            raise DamagedRunError(f"{path} is damaged: it lacks the columns {', '.join(absent)}")
        return scores

    def curves(self) -> pd.DataFrame:
        """Read the learning curves of finished runs that were evaluated during training; latest runs only.

        Returns:
            One row per run, step, test set and parameter: the columns of ``scores`` that describe the run,
            with step, seconds, flops and psnr (the mean over the set, dB).
        """
        parts = []
        for key in self.keys():
            record = self.record(key)
            if CURVE in record.files:
                parts.append(read_table(self.root / key, CURVE, record).assign(finished=record.finished))
        if not parts:
            return pd.DataFrame()
        rows = pd.concat(parts, ignore_index=True).sort_values(FINISHED, kind="stable")
        latest = rows.groupby(SETTINGS, dropna=False)["key"].transform("last")
        return rows[rows["key"] == latest].reset_index(drop=True)

    def failures(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """Read the failed runs, one row per run and test set, with the cause in ``error``."""
        wanted = None if keys is None else set(keys)
        folders = sorted(path.parent for path in self.root.glob(f"{FAILED}/*/{RECORD}"))
        return failures_of(read_record(path) for path in folders if wanted is None or path.name in wanted)

    def error_since(self, key: str, moment: datetime) -> str | None:
        """Return the error of a run that failed after the given time; None if there is none."""
        folder = self.root / FAILED / key
        if not (folder / RECORD).is_file():
            return None
        record = read_record(folder)
        failed = datetime.fromisoformat(record.failed or record.started)
        return record.error if failed >= moment.replace(microsecond=0) else None
