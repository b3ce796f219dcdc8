"""Results of runs, from a folder of runs or of reference results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bench.errors import InputError
from bench.store.checksums import RECORD
from bench.store.layout import SCORES
from bench.store.reference import open_reference
from bench.store.stored_runs import StoredRuns

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bench.store.record import RunRecord


class Results(Protocol):
    """Scores and records of runs, as ``StoredRuns`` and ``Reference`` read them."""

    def scores(self) -> pd.DataFrame:
        """Read the scores of all finished runs, one line per run and test image."""

    def failures(self) -> pd.DataFrame:
        """Read the failed runs, one row per run and test set, with the cause in ``error``."""

    def keys(self) -> list[str]:
        """List the keys of all finished runs, possibly with those of failed runs."""

    def record(self, key: str) -> RunRecord:
        """Read the record of a finished run."""


def open_results(folder: Path) -> Results:
    """Open a folder of runs or of reference results.

    Args:
        folder: folder written by `noisebench run`, with ``KEY/run.json``, or by `noisebench collect`, with
            ``scores.parquet`` and ``runs/KEY.json``.

    Raises:
        InputError: it is neither, it is a single run, or its reference results are damaged (see
            ``open_reference``).
    """
    # The folder of a run contains scores too, and would be mistaken for a damaged reference.
    if (folder / RECORD).is_file():
        raise InputError(f"{str(folder)!r} is a single run; name the folder that it is in")
    if (folder / SCORES).is_file():
        return open_reference(folder)
    runs = StoredRuns(folder)
    if not runs.keys() and runs.failures().empty:
        raise InputError(
            f"there are no runs in {str(folder)!r}; name a folder that `noisebench run` has filled (its "
            "--runs), or one of reference results, as `noisebench collect` makes it"
        )
    return runs
