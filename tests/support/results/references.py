"""Published tables and reference results, made up."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import product
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.published.table import LAYOUT, NUMBERS, Published, open_published
from bench.store.checksums import write_json
from bench.store.reference import RUNS, Reference, open_reference
from bench.store.scores import SETTINGS, write_scores
from tests.support.results.records import EVALUATION, made_up

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


SOURCE = "Someone 2020, Table 1"


def published_numbers(rows: Iterable[tuple[str, float, str]], methods: Iterable[str]) -> pd.DataFrame:
    """Make up published numbers, no two alike, of each noise, parameter and test set."""
    cells = [(SOURCE, *row, method) for row, method in product(rows, methods)]
    numbers = pd.DataFrame(cells, columns=["source", "noise", "parameter", "images", "method"])
    return numbers.assign(psnr=(2600 + 7 * numbers.index) / 100, suspect="")


def publish(folder: Path, numbers: pd.DataFrame, **layout: Any) -> Published:
    """Write a published table and open it."""
    folder.mkdir(parents=True, exist_ok=True)
    filled = {"title": "Table 1", "source": SOURCE, "training_images": ["bsd400"]}
    filled |= {"training_noise": "frozen", "baselines": ["supervised"], "tuning_images": "bsd400-tune"}
    filled |= {"reference": "cpu-1", "retrained": []} | layout
    # A string or a list of them is written in TOML as in JSON.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in filled.items()]
    (folder / LAYOUT).write_text("".join(lines), encoding="utf-8")
    numbers.to_csv(folder / NUMBERS, index=False)
    return open_published(folder)


def write_reference(folder: Path, scores: pd.DataFrame) -> Reference:
    """Write made-up scores as reference results; all parameters and test sets of a run get one key."""
    runs = [column for column in SETTINGS if column not in ("parameter", "images")]
    settings = scores[runs].astype(str).agg("; ".join, axis="columns")
    keys = settings.map(lambda text: sha256(text.encode()).hexdigest()[:12])
    scores = scores.assign(key=keys, finished="2026-01-01")
    (folder / RUNS).mkdir(parents=True)
    for key, rows in scores.groupby("key"):
        evaluation = {"all": dict.fromkeys(rows["images"].unique(), EVALUATION)}
        columns = {"key": key, "finished": "2026-01-01"}
        record = made_up(str(key), columns=columns, evaluation=evaluation)
        write_json(record, folder / RUNS / f"{key}.json")
    write_scores(scores, folder)
    return open_reference(folder)
