"""Read and write the tables of a run."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.settings import SETTING_COLUMNS, unrecorded_settings
from bench.store.checksums import DamagedRunError, read_file
from bench.store.layout import SCORES
from bench.system.files import write_durably

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bench.store.record import RunRecord, StoredRecord

IDENTITY = ["method", "noise", "parameter", "training_images", "images", "image", "seed"]
IDENTITY += [*SETTING_COLUMNS, "training_noise", "precision", "device"]

FINISHED = "finished"
"""Time of completion; the latest of several runs with the same settings counts."""

FORMER_WORDS = {"sees": {r"\blaw\b": "noise model"}}
"""What protocol 4 wrote in a column, by column, and what it means."""

SETTINGS = [column for column in IDENTITY if column != "image"]
TRAINED = [column for column in SETTINGS if column != "images"]


def latest(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate the scores of runs; among runs with the same settings, keep only the latest.

    Args:
        parts: one line per test image of a run, with the columns of ``IDENTITY`` and ``FINISHED``.
    """
    runs = list(parts)
    if not runs:
        return pd.DataFrame()
    rows = pd.concat(runs, ignore_index=True).sort_values(FINISHED, kind="stable")
    newest = rows.groupby(TRAINED, dropna=False)["key"].transform("last")
    return rows[rows["key"] == newest].drop_duplicates(IDENTITY, keep="last").reset_index(drop=True)


def failures_of(records: Iterable[RunRecord]) -> pd.DataFrame:
    """List failed runs: one row per run and test set, with the cause in ``error``."""
    rows = [
        unrecorded_settings(record.protocol) | record.columns | {"error": record.error} | target.model_dump()
        for record in records
        for target in record.test
    ]
    return pd.DataFrame(rows).replace(FORMER_WORDS, regex=True)


def hash_scores(rows: pd.DataFrame) -> str:
    """Return the sha256 of scores, which changes with any bit of any of them.

    It does not depend on the order of rows and columns, nor on columns that hold nothing, which a run gets
    beside runs that have them.
    """
    lines = (
        json.dumps(sorted((str(name), _plain(value)) for name, value in row.items() if not _is_null(value)))
        for row in rows.to_dict("records")
    )
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _plain(value: Any) -> str | float:
    # Whole numbers become floats in a column with gaps.
    return value if isinstance(value, str) else float(value)


def _is_null(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def read_table(folder: Path, name: str, record: StoredRecord) -> pd.DataFrame:
    """Read one of the tables of a run, and verify its checksum.

    Raises:
        DamagedRunError: it is missing, has changed, or is not a table.
    """
    return parse_table(read_file(folder, name, record), folder / name)


def parse_table(content: bytes, path: Path) -> pd.DataFrame:
    """Read a table from the content of a file.

    Raises:
        DamagedRunError: it is not a table.
    """
    try:
        table = pd.read_parquet(io.BytesIO(content)).replace(FORMER_WORDS, regex=True)
    except (OSError, ValueError) as error:
        raise DamagedRunError(f"{path} is damaged: no table can be read from it ({error})") from error
    return _with_unrecorded_settings(table)


def _with_unrecorded_settings(table: pd.DataFrame) -> pd.DataFrame:
    if "protocol" not in table:
        return table
    for protocol in table["protocol"].unique():
        for name, value in unrecorded_settings(protocol).items():
            recorded = table.get(name, pd.Series(index=table.index, dtype=object)).notna()
            table.loc[(table["protocol"] == protocol) & ~recorded, name] = value
    return table


def write_scores(rows: pd.DataFrame, folder: Path) -> None:
    """Write a run's scores in one step."""
    write_table(rows, folder / SCORES)


def write_table(rows: pd.DataFrame, path: Path) -> None:
    """Write a table in one step.

    Raises:
        StorageError: it cannot be written.
    """
    content = io.BytesIO()
    rows.to_parquet(content, index=False)
    write_durably(path, content.getvalue())
