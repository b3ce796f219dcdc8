"""The store: one folder per finished run, named by its key; existence is completion."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.errors import InputError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FACTS, SCORES, WEIGHTS = "run.json", "scores.parquet", "weights.safetensors"
CURVE, LOG, PICTURES = "curve.parquet", "log.jsonl", "pictures"
FAILED, PARTIAL = "failed", "partial"
IDENTITY = ["method", "noise", "parameter", "training_images", "images", "image", "channels", "seed", "width"]
IDENTITY += ["steps", "batch", "patch", "learning_rate", "training_noise", "precision", "device"]

SETTINGS = [column for column in IDENTITY if column != "image"]


@dataclass(frozen=True)
class Store:
    """A folder of runs.

    Finished runs lie in ``KEY/``, failed ones apart in ``failed/KEY/``. A run is written under ``partial/``
    and moved to its place in one step, so that a folder in its place is always whole.
    """

    root: Path

    @classmethod
    def open(cls, root: Path) -> Store:
        """Open a store for writing, making its folder.

        Raises:
            InputError: the folder cannot be made or written.
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=root):
                pass
        except OSError as error:
            raise InputError(
                f"cannot write to {str(root)!r}: {error.strerror}; name a folder that can be written"
            ) from error
        return cls(root)

    def __contains__(self, key: str) -> bool:
        return (self.root / key).is_dir()

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """Give a fresh folder for a run; move it to its place at the end, or among the failed on an error."""
        partial = self.root / PARTIAL / f"{key}-{os.getpid()}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        failed = self.root / FAILED / key
        try:
            yield partial
        except Exception:
            shutil.rmtree(failed, ignore_errors=True)
            failed.parent.mkdir(exist_ok=True)
            partial.replace(failed)
            raise
        except BaseException:
            shutil.rmtree(partial)
            raise
        partial.replace(self.root / key)
        shutil.rmtree(failed, ignore_errors=True)

    def keys(self) -> list[str]:
        """List the keys of all finished runs."""
        return sorted(path.parent.name for path in self.root.glob(f"*/{FACTS}"))

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
        """Read a run's ``run.json``."""
        return read_json(self.root / key / FACTS)

    def extend(self, key: str, rows: pd.DataFrame, evaluated: dict[str, Any]) -> None:
        """Add the scores of further test sets to a finished run; those of the same sets are replaced."""
        folder, facts = self.root / key, self.facts(key)
        stored = pd.read_parquet(folder / SCORES)
        both = pd.concat([stored, rows], ignore_index=True)
        write_scores(both.drop_duplicates(["parameter", "images", "image"], keep="last"), folder)
        for noise, sets in evaluated.items():
            facts["evaluation"][noise] = facts["evaluation"].get(noise, {}) | sets
        write_json(facts, folder / FACTS)

    def scores(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """Read the scores of finished runs, by default of all; where a run was superseded, the latest alone.

        A run is superseded where one of the same settings was finished later, with a changed method or
        protocol.
        """
        finished = self.keys() if keys is None else [key for key in keys if key in self]
        return latest(pd.read_parquet(self.root / key / SCORES) for key in finished)

    def curves(self) -> pd.DataFrame:
        """Read how quality grew in those finished runs that were scored on their way, the latest of its kind.

        Returns:
            One row per run, step, test set and parameter: the columns of ``scores`` that describe the run,
            with step, seconds, flops and psnr (the mean over the set, dB).
        """
        parts = [
            pd.read_parquet(path).assign(finished=self.facts(path.parent.name)["columns"]["finished"])
            for path in sorted(self.root.glob(f"*/{CURVE}"))
        ]
        if not parts:
            return pd.DataFrame()
        rows = pd.concat(parts, ignore_index=True).sort_values("finished", kind="stable")
        latest = rows.groupby(SETTINGS, dropna=False)["key"].transform("last")
        return rows[rows["key"] == latest].reset_index(drop=True)

    def failures(self, keys: Iterable[str] | None = None) -> pd.DataFrame:
        """Read the failed runs, one row per run and test set, with the cause in ``error``."""
        wanted = None if keys is None else set(keys)
        paths = sorted(self.root.glob(f"{FAILED}/*/{FACTS}"))
        return failures_of(read_json(path) for path in paths if wanted is None or path.parent.name in wanted)


def latest(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join the scores of runs; where a run was superseded, the latest alone stays.

    Args:
        parts: one line per test image of a run, with the columns of ``IDENTITY`` and ``finished``.
    """
    runs = list(parts)
    if not runs:
        return pd.DataFrame()
    rows = pd.concat(runs, ignore_index=True).sort_values("finished", kind="stable")
    return rows.drop_duplicates(IDENTITY, keep="last").reset_index(drop=True)


def failures_of(runs: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """List failed runs, given by their facts: one row per run and test set, with the cause in ``error``."""
    rows = [facts["columns"] | {"error": facts["error"]} | test for facts in runs for test in facts["test"]]
    return pd.DataFrame(rows)


def picture_folder(run: Path, noise: str, images: str) -> Path:
    """Say where a run keeps denoised pictures of a test set, under a noise such as ``gaussian:25``."""
    return run / PICTURES / noise.replace(":", "-") / images


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_json(content: dict[str, Any], path: Path) -> None:
    """Write a JSON object in one step, so that a reader meets the old file or the new one, whole."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    beside.replace(path)


def write_scores(rows: pd.DataFrame, folder: Path) -> None:
    """Write a run's scores in one step."""
    beside = folder / (SCORES + ".new")
    rows.to_parquet(beside, index=False)
    beside.replace(folder / SCORES)
