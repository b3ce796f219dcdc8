"""Records of runs that were never executed."""

from __future__ import annotations

from typing import Any

from bench.store.checksums import RECORD, read_object, read_record, write_checked, write_json
from bench.store.record import RunRecord

RUN = {
    "method": "supervised",
    "hyper_parameters": {},
    "noise": "gaussian",
    "parameter": 25.0,
    "training_images": "bsd400",
    "fingerprint": "f" * 64,
    "channels": 1,
    "width": 32,
    "steps": 2400,
    "batch": 8,
    "patch": 64,
    "optimiser": "adam",
    "learning_rate": 0.002,
    "clip_ratio": 2.0,
    "seed": 0,
    "training_noise": "frozen",
    "precision": "float32",
    "device": "cpu",
}
EVALUATION = {"fingerprint": "b", "noisy_sha256": "c", "lpips": "no"}


HARDWARE = {"device": "cpu", "name": "abacus", "system": "wood", "cores": 2, "threads": 2}


def made_up(key: str = "key", **changes: Any) -> dict[str, Any]:
    """Return the JSON of a complete record, changed; run, source and hardware may be changed in part."""
    nested = {
        "run": RUN,
        "source": {"sha256": "a" * 64, "origin": "noisebench"},
        "hardware": HARDWARE,
    }
    record = {
        "key": key,
        "protocol": 5,
        "columns": {"key": key},
        "test": [],
        "notes": [],
        "commit": "d" * 40,
        "versions": {"python": "3.11.7", "torch": "2.15.0"},
        "started": "2026-01-01T00:00:00+00:00",
    }
    return record | changes | {name: value | changes.get(name, {}) for name, value in nested.items()}


def made_up_record(key: str = "key", **changes: Any) -> RunRecord:
    return RunRecord.from_json(made_up(key, **changes))


def write_made_up(folder: Any, key: str = "key", **changes: Any) -> None:
    """Write a made-up record as the ``run.json`` of a folder."""
    write_json(made_up(key, **changes), folder / RECORD)


def amend(folder: Any, **changes: Any) -> None:
    """Change fields of a stored run's record, with a checksum to match."""
    read_record(folder)
    write_checked(read_object(folder / RECORD) | changes, folder)
