"""Committed runs to verify, and what changes them."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.published.verify import verify
from bench.store.checksums import read_object, write_json
from bench.store.layout import SCORES
from bench.store.record import RunRecord
from bench.store.reference import Reference, open_reference, with_checksum
from bench.store.scores import write_scores
from tests.support.runs import CPU, Silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.published.verify import Verdict
    from bench.store.store import Store


def check(
    reference: Reference,
    keys: Sequence[str],
    store: Store,
    *,
    retrained: Sequence[Reference] = (),
    events: list[str] | None = None,
) -> list[Verdict]:
    """Verify on the CPU; outcomes that the watcher receives are added to ``events``."""
    watcher = Silent() if events is None else Silent(events)
    return verify(
        reference,
        keys,
        retrained=retrained,
        store=store,
        device=CPU,
        watch=lambda jobs: nullcontext(watcher),
    )


def shift_scores(folder: Path, by: float) -> None:
    """Change every PSNR of a run's folder or a reference by some dB, with checksums to match."""
    rows = pd.read_parquet(folder / SCORES)
    write_scores(rows.assign(psnr=rows["psnr"] + by), folder)
    renew_checksums(folder)


def renew_checksums(folder: Path) -> None:
    """Write the checksums of a reference's scores into its records."""
    for key, rows in Reference(folder).scores().groupby("key"):
        path = folder / "runs" / f"{key}.json"
        if path.is_file():
            write_json(with_checksum(RunRecord.from_json(read_object(path)), rows).to_json(), path)


def change_record(reference: Reference, key: str, **changes: Any) -> None:
    """Change fields of the record of a committed run."""
    write_json(reference.record(key).to_json() | changes, reference.folder / "runs" / f"{key}.json")


def repeat_with_shifts(reference: Reference, by: dict[str, float]) -> Reference:
    """Copy a reference as if some of its runs had been trained again, with PSNRs shifted by some dB."""
    folder = reference.folder.with_name("again")
    shutil.copytree(reference.folder, folder)
    rows = reference.scores().query("key in @by")
    write_scores(rows.assign(psnr=rows["psnr"] + rows["key"].map(by)), folder)
    renew_checksums(folder)
    for key in {*reference.keys()} - {*by}:
        (folder / "runs" / f"{key}.json").unlink()
    return open_reference(folder)
