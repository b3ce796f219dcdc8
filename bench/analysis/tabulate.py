"""Tables computed from the stored scores alone; ``bench.typeset`` writes them down."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from bench.analysis.columns import (
    CELL,
    COSTS,
    FAILURE_COLUMNS,
    METRICS,
    NULLABLE,
    ROW,
    SCORE_COLUMNS,
    SETUP_COLUMNS,
    SYMBOLS,
    Setup,
    noise_label,
    parts_of,
    require,
)
from bench.analysis.comparability import check_comparable
from bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

DIGITS = {"psnr": 2, "ssim": 3, "lpips": 3}


@dataclass(frozen=True)
class Cell:
    """Means of one method on one noise and test set: per image over seeds, then over images.

    PSNR in dB, ``seconds`` to denoise one image, ``training_seconds`` and floating-point operations of one
    run; ``estimate`` of the noise's parameter, and the mean magnitude of its relative error. Unknown
    numbers are NaN. ``passes`` are those of the network for one image, counted in sizes of the image.
    ``best`` names the metrics in which no self-supervised method of the row is better. ``error`` says why a
    cell failed, or why it is missing where the method is not defined for the noise.
    """

    method: str
    sees: str
    precision: str = ""
    status: Literal["done", "failed", "missing"] = "missing"
    n_seeds: int = 0
    psnr: float = math.nan
    ssim: float = math.nan
    lpips: float = math.nan
    seconds: float = math.nan
    training_seconds: float = math.nan
    training_flops: float = math.nan
    patches_per_second: float = math.nan
    estimate: float = math.nan
    estimate_error: float = math.nan
    passes: float = math.nan
    best: frozenset[str] = frozenset()
    error: str = ""


@dataclass(frozen=True)
class Row:
    """One noise and one test set, with one cell for each method of the table."""

    noise: str
    parameter: float
    images: str
    n_images: int
    noisy_psnr: float
    noisy_ssim: float
    seeds_in_row: int
    cells: tuple[Cell, ...]

    @property
    def label(self) -> str:
        """The noise with its parameter, such as ``gaussian σ=25``."""
        return noise_label(self.noise, self.parameter)


@dataclass(frozen=True)
class Table:
    """The numbers of one table; the cells of every row stand in the order of ``methods``."""

    setup: Setup
    methods: tuple[str, ...]
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]

    @property
    def cells(self) -> dict[tuple[Any, ...], Cell]:
        """All cells, by noise, parameter, test set and method."""
        return {
            (row.noise, row.parameter, row.images, cell.method): cell
            for row in self.rows
            for cell in row.cells
        }

    @property
    def metrics(self) -> list[str]:
        """The metrics that are known for any cell, in the order of their columns."""
        some = any(not math.isnan(cell.lpips) for cell in self.cells.values())
        return [name for name in METRICS if name != "lpips" or some]

    @property
    def counts_passes(self) -> bool:
        """Whether the passes of the network are known for any cell; older runs did not count them."""
        return any(not math.isnan(cell.passes) for cell in self.cells.values())


def tabulate(scores: pd.DataFrame, failures: pd.DataFrame) -> list[Table]:
    """Make one table for each protocol, never mixing two in one.

    Args:
        scores: one line per run and test image, with ``SCORE_COLUMNS``; those of ``NULLABLE`` may be null or
            missing.
        failures: one line per failed run and test set, with ``FAILURE_COLUMNS``; a failure whose run later
            finished does not count.

    Returns:
        The tables in the order of their protocols; rows from weak to strong noise, methods that saw least
        first.

    Raises:
        InputError: there are no runs, columns or values are missing, or scores of one protocol cannot be
            compared (see ``check_comparable``).
    """
    scores = require(scores, columns=SCORE_COLUMNS, nullable=NULLABLE)
    failures = require(failures, columns=FAILURE_COLUMNS, nullable=NULLABLE)
    finished, failed = by_setup(scores), by_setup(failures)
    if not finished and not failed:
        raise InputError("there are no runs to tabulate")
    return [
        _table(
            setup,
            scores=finished.get(setup, scores.iloc[:0]),
            failures=failed.get(setup, failures.iloc[:0]),
        )
        for setup in sorted({*finished, *failed})
    ]


def self_supervised(sees: str) -> bool:
    """Tell whether a method was trained, and saw neither clean images nor a second noisy copy."""
    return not {"clean", "noisy2", "untrained"} & _needs(sees)


def _needs(sees: str) -> set[str]:
    return set(re.findall(r"\w+", sees))


def by_setup(runs: pd.DataFrame) -> dict[Setup, pd.DataFrame]:
    """Part stored runs, one line each, by all that must be equal in one table."""
    groups = parts_of(runs, SETUP_COLUMNS).items()
    return {Setup(**dict(zip(SETUP_COLUMNS, values, strict=True))): part for values, part in groups}


def _keys(runs: pd.DataFrame, columns: list[str]) -> list[tuple[Any, ...]]:
    return list(runs[columns].itertuples(index=False, name=None))


def _table(setup: Setup, *, scores: pd.DataFrame, failures: pd.DataFrame) -> Table:
    check_comparable(scores)
    sees = dict(_keys(failures, ["method", "sees"])) | dict(_keys(scores, ["method", "sees"]))
    noises = dict(_keys(failures, ["method", "defined_for"])) | dict(_keys(scores, ["method", "defined_for"]))
    methods = sorted(sees, key=lambda method: (exposure(sees[method]), method))
    # One failed seed fails the cell: a mean over the survivors would flatter a method that diverges.
    cells = _done(scores) | _failed(scores, failures, sees)
    seeds = Counter(run[:-1] for run in {*_keys(scores, [*ROW, "seed"]), *_keys(failures, [*ROW, "seed"])})
    noisy = _noisy(scores)
    rows = [
        Row(
            **dict(zip(ROW, row, strict=True)),
            **noisy.get(row, {"n_images": 0, "noisy_psnr": math.nan, "noisy_ssim": math.nan}),
            seeds_in_row=seeds[row],
            cells=_with_best(
                [
                    cells.get((*row, method)) or _missing(method, sees[method], row[0], noises[method])
                    for method in methods
                ]
            ),
        )
        for row in sorted(seeds, key=strength)
    ]
    return Table(setup, tuple(methods), tuple(rows), tuple(sorted({*scores["seed"], *failures["seed"]})))


def _done(scores: pd.DataFrame) -> dict[tuple[Any, ...], Cell]:
    cells = scores.groupby(CELL)
    numbers = [*METRICS, *COSTS, "estimate", "estimate_error", "passes"]
    error = (scores["estimate"].astype(float) / scores["parameter"] - 1).abs()
    scored = scores.assign(estimate_error=error).astype(dict.fromkeys(numbers, float))
    per_image = scored.groupby([*CELL, "image"])[numbers]
    means = per_image.mean().groupby(CELL).mean()
    # pandas leaves nulls out, and LPIPS over some of the images is not LPIPS over the set.
    means["lpips"] = means["lpips"].where(cells["lpips"].count() == cells.size())
    means["n_seeds"] = cells["seed"].nunique()
    means[["sees", "precision"]] = cells[["sees", "precision"]].first()
    lines = means.reset_index().to_dict("records")
    return {
        tuple(line[name] for name in CELL): Cell(
            status="done", **{str(name): value for name, value in line.items() if name not in ROW}
        )
        for line in lines
    }


def _failed(
    scores: pd.DataFrame, failures: pd.DataFrame, sees: dict[str, str]
) -> dict[tuple[Any, ...], Cell]:
    finished = set(_keys(scores, [*CELL, "seed"]))
    return {
        (*row, method): Cell(method, sees[method], status="failed", error=f"seed {seed}: {error}")
        for *row, method, seed, error in reversed(_keys(failures, [*CELL, "seed", "error"]))
        if (*row, method, seed) not in finished
    }


def _missing(method: str, sees: str, noise: str, defined_for: Any) -> Cell:
    # Runs that were stored before they said for which laws their method is defined leave it open.
    undefined = isinstance(defined_for, str) and noise not in defined_for.split()
    return Cell(method, sees, error=f"not defined for {noise} noise" if undefined else "")


def _noisy(scores: pd.DataFrame) -> dict[tuple[Any, ...], dict[str, Any]]:
    # Every method's run repeats the score of its noisy images; each noisy image counts once.
    rows = scores.drop_duplicates([*ROW, "seed", "image"]).groupby(ROW)
    return {
        _keys(row, ROW)[0]: {
            "n_images": row["image"].nunique(),
            "noisy_psnr": float(row["noisy_psnr"].mean()),
            "noisy_ssim": float(row["noisy_ssim"].mean()),
        }
        for _, row in rows
    }


def _with_best(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    best = {metric: _best(cells, metric) for metric in METRICS}
    return tuple(
        replace(cell, best=frozenset(name for name in METRICS if _printed(cell, name) == best[name]))
        if self_supervised(cell.sees)
        else cell
        for cell in cells
    )


def _best(cells: Sequence[Cell], metric: str) -> float | None:
    values = [_printed(cell, metric) for cell in cells if self_supervised(cell.sees)]
    pick = min if metric == "lpips" else max
    return pick((value for value in values if not math.isnan(value)), default=None)


def _printed(cell: Cell, metric: str) -> float:
    # Compared as printed, so that no two equal numbers of a row are one bold and one plain.
    return round(float(getattr(cell, metric)), DIGITS[metric])


def exposure(sees: str) -> int:
    """Rank what a method sees, from nothing in training and noisy images alone up to clean ones."""
    if "untrained" in _needs(sees):
        return -1
    order = ["noisy", "noise", "noisy2", "clean"]
    return max((order.index(need) for need in _needs(sees) if need in order), default=len(order))


def methods_in(scores: pd.DataFrame) -> list[str]:
    """Name the methods that have scores, those that saw least first."""
    sees = dict(_keys(scores.drop_duplicates("method"), ["method", "sees"]))
    return sorted(sees, key=lambda method: (exposure(sees[method]), method))


def strength(row: Sequence[Any]) -> tuple[int, str, float, str]:
    """Rank noise, parameter and test set: by law, then from weak to strong."""
    noise, parameter, images = row
    known = [*SYMBOLS]
    place = known.index(noise) if noise in known else len(known)
    return place, noise, -parameter if noise == "gamma" else parameter, images
