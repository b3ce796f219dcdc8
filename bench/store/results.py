"""Results of runs, wherever they lie: a folder of runs, or a folder of reference results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from bench.errors import InputError
from bench.store.integrity import FACTS
from bench.store.reference import open_reference
from bench.store.scores import SCORES
from bench.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


class Results(Protocol):
    """Scores and facts of runs, as ``Store`` and ``Reference`` give them."""

    def scores(self) -> pd.DataFrame:
        """Read the scores of all finished runs, one line per run and test image."""

    def failures(self) -> pd.DataFrame:
        """Read the failed runs, one row per run and test set, with the cause in ``error``."""

    def keys(self) -> list[str]:
        """List the keys of all finished runs; those of failed ones may be among them."""

    def facts(self, key: str) -> dict[str, Any]:
        """Read the facts of a finished run, its ``run.json``."""


def open_results(folder: Path) -> Results:
    """Open a folder of runs or of reference results, whichever it is.

    Args:
        folder: as `noisebench run` writes it, with ``KEY/run.json``, or as `noisebench collect` does, with
            ``scores.parquet`` and ``runs/KEY.json``.

    Raises:
        InputError: it is neither, it is a single run, or it holds damaged reference results (see
            ``open_reference``).
    """
    # A run's own folder has scores beside its facts, and would be taken for a damaged reference.
    if (folder / FACTS).is_file():
        raise InputError(f"{str(folder)!r} is a single run; name the folder it lies in")
    if (folder / SCORES).is_file():
        return open_reference(folder)
    store = Store(folder)
    if not store.keys() and store.failures().empty:
        raise InputError(
            f"there are no runs in {str(folder)!r}; name a folder that `noisebench run` has filled (its "
            "--runs), or one of reference results, as `noisebench collect` makes it"
        )
    return store
