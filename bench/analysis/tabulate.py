"""Score tables: the mean of every cell, computed from stored scores."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from bench.analysis.best import rivalry
from bench.analysis.columns import (
    CELL,
    COSTS,
    FAILURE_COLUMNS,
    LATER_COSTS,
    METRICS,
    NULLABLE,
    ROW,
    SCORE_COLUMNS,
    CellKey,
    Condition,
    Setup,
    require,
)
from bench.analysis.comparability import check_comparable
from bench.analysis.grouping import by_cell, by_condition, by_setup, records_of
from bench.analysis.means import mean_of
from bench.analysis.supervision import sort_methods
from bench.errors import InputError


@dataclass(frozen=True)
class Cell:
    """Means of one method on one noise and test set: per image over seeds, then over images.

    PSNR in dB, ``lpips_half_width`` of the 95 % interval of LPIPS, ``seconds`` to denoise one image,
    ``training_seconds`` and floating-point operations of one run; ``estimate`` of the noise's parameter, and
    the mean magnitude of its relative error. Unknown numbers are NaN. ``passes`` is the number of network
    passes over one image, in units of its size; ``forward_passes`` and ``backward_passes`` are those of a
    training step, in sizes of the table's batch; ``core_share`` is that of the training thread;
    ``patch_scale`` is a factor on the side of training patches. ``best`` names the metrics in which it is not
    worse than the best self-supervised method of the row (see ``rivalry``). ``error`` says why the cell
    failed, or that the method is not defined for the noise.
    """

    method: str
    sees: str
    precision: str = ""
    status: Literal["done", "failed", "missing"] = "missing"
    n_seeds: int = 0
    psnr: float = math.nan
    ssim: float = math.nan
    lpips: float = math.nan
    lpips_half_width: float = math.nan
    seconds: float = math.nan
    training_seconds: float = math.nan
    training_flops: float = math.nan
    patches_per_second: float = math.nan
    estimate: float = math.nan
    estimate_error: float = math.nan
    passes: float = math.nan
    patch_scale: float = math.nan
    forward_passes: float = math.nan
    backward_passes: float = math.nan
    core_share: float = math.nan
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
    def condition(self) -> Condition:
        """The noise and test set."""
        return Condition(self.noise, self.parameter, self.images)

    @property
    def label(self) -> str:
        """The noise with its parameter, such as ``gaussian σ=25``."""
        return self.condition.noise_label


@dataclass(frozen=True)
class Table:
    """The numbers of one table; the cells of every row are in the order of ``methods``."""

    setup: Setup
    methods: tuple[str, ...]
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]

    @property
    def cells(self) -> dict[CellKey, Cell]:
        """All cells, row by row."""
        return {CellKey(*row.condition, cell.method): cell for row in self.rows for cell in row.cells}

    @property
    def metrics(self) -> list[str]:
        """The metrics that at least one cell has, in the order of their columns."""
        some = any(not math.isnan(cell.lpips) for cell in self.cells.values())
        return [name for name in METRICS if name != "lpips" or some]


def tabulate(scores: pd.DataFrame, failures: pd.DataFrame) -> list[Table]:
    """Make one table per protocol; protocols are never mixed.

    Args:
        scores: one line per run and test image, with ``SCORE_COLUMNS``; columns in ``NULLABLE`` may be null
            or missing.
        failures: one line per failed run and test set, with ``FAILURE_COLUMNS``; a failure does not count if
            its run finished later.

    Returns:
        The tables in the order of their protocols; rows from weak to strong noise, methods in the order of
        how much they saw, least first.

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
        for setup in sorted({*finished, *failed}, key=Setup.sort_key)
    ]


def _table(setup: Setup, *, scores: pd.DataFrame, failures: pd.DataFrame) -> Table:
    check_comparable(scores)
    sees = _by_method(scores, failures, "sees")
    defined_for = _by_method(scores, failures, "defined_for")
    methods = sort_methods(sees)
    # One failed seed fails the cell: a mean over the other seeds would flatter a method that diverges.
    cells = _finished_cells(scores) | _failed_cells(scores, failures, sees)
    cells |= _best_cells(scores, cells)
    seeds = _seeds_by_condition(scores, failures)
    noisy = {condition: _noisy_numbers(lines) for condition, lines in by_condition(scores).items()}
    rows = []
    for condition in sorted(seeds, key=Condition.sort_key):
        found = [
            cells.get(CellKey(*condition, method))
            or _missing_cell(method, sees[method], condition.noise, defined_for[method])
            for method in methods
        ]
        numbers = noisy.get(condition, {"n_images": 0, "noisy_psnr": math.nan, "noisy_ssim": math.nan})
        rows.append(Row(*condition, **numbers, seeds_in_row=seeds[condition], cells=tuple(found)))
    return Table(setup, tuple(methods), tuple(rows), tuple(sorted({*scores["seed"], *failures["seed"]})))


def _by_method(scores: pd.DataFrame, failures: pd.DataFrame, column: str) -> dict[str, Any]:
    return dict(records_of(failures, ["method", column]) + records_of(scores, ["method", column]))


def _seeds_by_condition(scores: pd.DataFrame, failures: pd.DataFrame) -> Counter[Condition]:
    columns = [*ROW, "seed"]
    runs = {*records_of(scores, columns), *records_of(failures, columns)}
    return Counter(Condition(*condition) for *condition, _ in runs)


def _finished_cells(scores: pd.DataFrame) -> dict[CellKey, Cell]:
    cells = scores.groupby(CELL)
    numbers = [*METRICS, *COSTS, "estimate", "estimate_error", *LATER_COSTS, "patch_scale"]
    error = (scores["estimate"].astype(float) / scores["parameter"] - 1).abs()
    scored = scores.assign(estimate_error=error).astype(dict.fromkeys(numbers, float))
    per_image = scored.groupby([*CELL, "image"])[numbers]
    means = per_image.mean().groupby(CELL).mean()
    # pandas leaves nulls out, and LPIPS over some of the images is not LPIPS over the set.
    known = scored[cells["lpips"].transform("count") == cells["lpips"].transform("size")]
    widths = {tuple(cell): mean_of(lines, "lpips").half_width for cell, lines in by_cell(known).items()}
    means["lpips"] = means["lpips"].where(cells["lpips"].count() == cells.size())
    means["lpips_half_width"] = [widths.get(cell, math.nan) for cell in means.index]
    means["n_seeds"] = cells["seed"].nunique()
    means[["sees", "precision"]] = cells[["sees", "precision"]].first()
    lines = means.reset_index().to_dict("records")
    return {
        CellKey(*(line[name] for name in CELL)): Cell(
            status="done", **{str(name): value for name, value in line.items() if name not in ROW}
        )
        for line in lines
    }


def _failed_cells(scores: pd.DataFrame, failures: pd.DataFrame, sees: dict[str, str]) -> dict[CellKey, Cell]:
    finished = set(records_of(scores, [*CELL, "seed"]))
    cells = {}
    # The error of a cell shows its first failure.
    for *key, seed, error in reversed(records_of(failures, [*CELL, "seed", "error"])):
        if (*key, seed) not in finished:
            cell = CellKey(*key)
            cells[cell] = Cell(cell.method, sees[cell.method], status="failed", error=f"seed {seed}: {error}")
    return cells


def _missing_cell(method: str, sees: str, noise: str, defined_for: Any) -> Cell:
    # Older runs do not record for which noise models their method is defined.
    undefined = isinstance(defined_for, str) and noise not in defined_for.split()
    return Cell(method, sees, error=f"not defined for {noise} noise" if undefined else "")


def _noisy_numbers(scores: pd.DataFrame) -> dict[str, Any]:
    # The run of every method repeats the scores of the noisy images; each noisy image counts once.
    noisy = scores.drop_duplicates(["seed", "image"])
    return {
        "n_images": noisy["image"].nunique(),
        "noisy_psnr": float(noisy["noisy_psnr"].mean()),
        "noisy_ssim": float(noisy["noisy_ssim"].mean()),
    }


def _best_cells(scores: pd.DataFrame, cells: dict[CellKey, Cell]) -> dict[CellKey, Cell]:
    """Return the cells that are the best of their row in a metric, or not worse than it."""
    finished = [lines for key, lines in by_cell(scores).items() if cells[key].status == "done"]
    if not finished:
        return {}
    sound = pd.concat(finished)
    best = {metric: rivalry(sound, metric).not_worse for metric in METRICS}
    return {
        key: replace(cell, best=frozenset(metric for metric in METRICS if key in best[metric]))
        for key, cell in cells.items()
    }
