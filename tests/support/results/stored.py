"""Stored runs that were never executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from bench.store.layout import SCORES
from bench.store.scores import IDENTITY, write_scores
from bench.store.store import Store
from tests.support.results.records import EVALUATION, write_made_up

if TYPE_CHECKING:
    from pathlib import Path

COMMON: dict[str, Any] = dict.fromkeys(IDENTITY, 0)
SHARED: dict[str, Any] = COMMON | {"method": "sound"}


def store_run(store: Store, key: str, **columns: Any) -> None:
    """Store a run with scores of one image."""
    with store.writing(key) as folder:
        pd.DataFrame([COMMON | {"key": key} | columns]).to_parquet(folder / SCORES)
        write_made_up(folder)


def finish(root: Path, key: str, *, finished: str, sets: tuple[str, ...] = ("set",), **columns: Any) -> None:
    """Store a finished run with one image in each of its test sets."""
    described = {"key": key, "finished": finished}
    rows = pd.DataFrame([SHARED | described | {"images": name, "image": "a"} | columns for name in sets])
    with Store.open(root).writing(key) as folder:
        write_scores(rows, folder)
        write_made_up(folder, key, columns=described, evaluation={"noise": dict.fromkeys(sets, EVALUATION)})


def fail(root: Path, key: str, *, started: str, **columns: Any) -> None:
    """Store a failed run."""
    described = {name: value for name, value in SHARED.items() if name not in ("parameter", "images")}
    with pytest.raises(RuntimeError), Store.open(root).writing(key) as folder:
        write_made_up(
            folder,
            key,
            columns=described | {"key": key} | columns,
            started=started,
            test=[{"parameter": 0, "images": "set"}],
            error="it diverged",
            traceback="/home/me",
        )
        raise RuntimeError
