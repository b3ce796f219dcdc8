"""Scores of made-up runs: one line per run and test image, as stores hold them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.analysis.columns import CELL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.analysis.tabulate import Cell, Table

SEES = {
    "noise2void": "noisy",
    "sure": "noisy + noise",
    "noise2score:domain=raw,formula=paper": "noisy + noise",
    "noise2noise": "noisy + noisy2",
    "supervised": "noisy + clean",
}
NOISES = [("gamma", 50.0), ("gaussian", 25.0)]
ALL_NOISES = [*NOISES, ("poisson", 0.05), ("gamma", 100.0), ("gaussian", 50.0)]
SETS = {"set12": ["01.png", "02.png"], "bsd68": ["a.png", "b.png", "c.png"]}
SETUP = {
    "training_images": "bsd400",
    "channels": 1,
    "width": 48,
    "steps": 20000,
    "batch": 16,
    "patch": 64,
    "optimiser": "adam",
    "learning_rate": 2e-3,
    "clip_ratio": 2.0,
    "training_noise": "frozen",
    "device": "cuda",
    "protocol": 1,
}
NO_FAILURES = pd.DataFrame()


def made_up(
    methods: Mapping[str, str] = SEES,
    *,
    seeds: Sequence[int] = (0, 1),
    noises: Sequence[tuple[str, float]] = NOISES,
    sets: Mapping[str, Sequence[str]] = SETS,
    **changes: Any,
) -> pd.DataFrame:
    """Make up scores, about 1 dB apart from method to method, in random order.

    Args:
        methods: what each sees.
        seeds: of the runs.
        noises: each with its parameter.
        sets: the files of each test set.
        changes: values of columns, the same in every line.
    """
    rng = np.random.default_rng(0)
    rows = []
    for (noise, parameter), (images, files) in product(noises, sets.items()):
        for place, method in enumerate(methods):
            run = SETUP | {"method": method, "sees": methods[method], "noise": noise, "parameter": parameter}
            for seed, (number, image) in product(seeds, enumerate(files)):
                where = {"images": images, "image": image, "seed": seed}
                where["key"] = f"{method}-{noise}-{parameter:g}-{seed}"
                rows.append(run | where | _numbers(rng, place, number, seed) | changes)
    scores = pd.DataFrame(rows)
    if "precision" not in changes:
        scores["precision"] = [
            "float32" if "noise" in sees.split() else "bfloat16" for sees in scores["sees"]
        ]
    return scores.sample(frac=1, random_state=0)


def _numbers(rng: np.random.Generator, place: int, number: int, seed: int) -> dict[str, float | None]:
    return {
        "psnr": 28 + place + rng.normal() / 10,
        "ssim": 0.8 + place / 100 + rng.normal() / 1000,
        "lpips": None,
        "noisy_psnr": 20.0 + number + seed / 10,
        "noisy_ssim": 0.4 + number / 10,
        "seconds": 0.01,
        "training_seconds": 1000.0 + 100 * place + seed,
        "training_flops": 1e12 * (1 + place),
        "patches_per_second": 9000.0 - place,
        "estimate": None,
    }


def by_hand() -> pd.DataFrame:
    """Make up scores whose means are the round numbers below, from twelve images and two seeds."""
    psnr = {"noise2void": 27.0, "sure": 28.5, "noise2noise": 29.0, "supervised": 29.25}
    ssim = {"noise2void": 0.85, "sure": 0.75, "noise2noise": 0.9, "supervised": 0.95}
    sees = {method: SEES[method] for method in psnr}
    files = [f"{number:02}.png" for number in range(1, 13)]
    scores = made_up(sees, noises=[("gaussian", 25.0)], sets={"set12": files})
    odd = scores["image"].map(files.index) % 2 == 0
    offset = np.where(odd, 1, -1) * (1 + scores["seed"])
    scores["noisy_psnr"] = 20 + ~odd + scores["seed"] / 10
    scores["noisy_ssim"] = 0.4 + ~odd / 10
    scores["psnr"] = scores["method"].map(psnr) + offset
    scores["ssim"] = scores["method"].map(ssim) + offset / 100
    return scores


def failure(
    method: str = "noise2void",
    *,
    noise: str = "gaussian",
    parameter: float = 25.0,
    images: str = "set12",
    seed: int = 0,
    **changes: Any,
) -> dict[str, Any]:
    """Make up a failed run on one test set."""
    run = {"method": method, "noise": noise, "parameter": parameter, "images": images, "seed": seed}
    run["sees"] = SEES.get(method, "noisy")
    return SETUP | run | {"key": f"failed-{seed}", "error": "the loss is nan\nat step 120"} | changes


def failed(*failures: dict[str, Any]) -> pd.DataFrame:
    """Gather failed runs."""
    return pd.DataFrame(failures)


def only(tables: Sequence[Table]) -> Table:
    """Return the table where there is one."""
    (table,) = tables
    return table


def cell(
    table: Table, method: str, *, noise: str = "gaussian", parameter: float = 25.0, images: str = "set12"
) -> Cell:
    """Return one cell of a table."""
    (row,) = [row for row in table.rows if row.condition == (noise, parameter, images)]
    return row.cells[table.methods.index(method)]


def cell_of(scores: pd.DataFrame, *key: object) -> pd.DataFrame:
    """Return the scores of one cell: noise, parameter, test set and method."""
    return scores[(scores[CELL] == list(key)).all(axis=1)]


def mean_difference(scores: pd.DataFrame, other: pd.DataFrame) -> float:
    """Average differences of equal images and seeds, joined by pandas."""
    both = scores.merge(other, on=["image", "seed"], suffixes=("", "_other"))
    assert len(both)
    return float((both["psnr"] - both["psnr_other"]).mean())
