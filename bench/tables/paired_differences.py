"""Paired differences between methods under one protocol, and between protocols for each method."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from bench.analysis.columns import CELL, CellKey
from bench.analysis.comparability import check_same_noisy_images
from bench.analysis.grouping import by_cell, by_condition, by_method
from bench.analysis.paired import Difference, difference_of, holm
from bench.analysis.supervision import methods_in
from bench.errors import InputError
from bench.output.markup import MISSING, signed
from bench.output.text_table import TextTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALPHA = 0.05
DIFFERENCE_NOTE = (
    "Mean of the per-image differences of PSNR, dB, on the same noisy images, averaged over the seeds that "
    "both have; in brackets its 95 % bootstrap interval over images (BCa), given these trained networks. "
    "p: Wilcoxon's signed-rank test of the same differences, two-sided, Holm-corrected over all {tests} "
    "tests of this table; °: p ≥ .05."
)
DIFFERENCE_COLUMNS = ["difference", "low", "high", "p_holm", "n_images", "n_seeds"]
Key = TypeVar("Key")


def compare_with(scores: pd.DataFrame, references: Sequence[str]) -> TextTable:
    """Compare every method with each of a few reference methods, image by image.

    Args:
        scores: one line per run and test image; all runs must be comparable.
        references: methods to compare with; each pair of methods is tested once.

    Raises:
        InputError: a reference has no scores.
    """
    if absent := set(references) - set(scores["method"]):
        raise InputError(f"there are no scores of {', '.join(sorted(absent))} to compare with")
    methods = methods_in(scores)
    pairs = _pairs_with(scores, methods, references)
    rows = []
    for condition in by_condition(scores):
        for reference in references:
            found = [pairs.get((CellKey(*condition, method), reference)) for method in methods]
            if any(found):
                texts = [MISSING if pair is None else format_difference(pair) for pair in found]
                rows.append([condition.noise_label, condition.images, f"− {reference}", *texts])
    numbers = [[*cell, reference, *vars(pair).values()] for (cell, reference), pair in pairs.items()]
    return TextTable(
        f"Paired differences to {' and to '.join(references)}",
        ["noise", "test set", "", *methods],
        rows,
        [DIFFERENCE_NOTE.format(tests=len(pairs))],
        pd.DataFrame(numbers, columns=[*CELL, "against", *DIFFERENCE_COLUMNS]),
        left=3,
    )


def _pairs_with(
    scores: pd.DataFrame, methods: Sequence[str], references: Sequence[str]
) -> dict[tuple[CellKey, str], Difference]:
    """Test each method against each reference; return the results by cell and reference, with corrected p."""
    tested = [
        (method, reference)
        for place, reference in enumerate(references)
        for method in methods
        if method not in references[: place + 1]
    ]
    pairs = {}
    for condition, lines in by_condition(scores).items():
        parts = by_method(lines)
        for method, reference in tested:
            if method in parts and reference in parts:
                pairs[CellKey(*condition, method), reference] = difference_of(parts[method], parts[reference])
    return _corrected(pairs)


def changes(scores: pd.DataFrame, other: pd.DataFrame, *, title: str) -> TextTable:
    """Compare each method under one protocol with itself under another, on the same noisy images.

    Args:
        scores: scores of one protocol, one line per run and test image.
        other: scores of the protocol to compare with; cells that it lacks are left out.
        title: title of the table.

    Raises:
        InputError: the protocols share no cell, or had different noisy images.
    """
    check_same_noisy_images(pd.concat([scores, other]))
    pairs = cell_differences(by_cell(scores), by_cell(other))
    if not pairs:
        raise InputError(f"{title}: the two protocols share no cell")
    return TextTable(
        title,
        ["noise", "test set", "method", "difference", "p", "seeds"],
        [_change(cell, pair) for cell, pair in pairs.items()],
        [DIFFERENCE_NOTE.format(tests=len(pairs))],
        pd.DataFrame(
            [[*cell, *vars(pair).values()] for cell, pair in pairs.items()],
            columns=[*CELL, *DIFFERENCE_COLUMNS],
        ),
        left=3,
    )


def _change(cell: CellKey, pair: Difference) -> list[str]:
    stub = [cell.condition.noise_label, cell.images, cell.method]
    return [*stub, format_difference(pair), f"{pair.p:.2g}", str(pair.seeds)]


def cell_differences(
    scores: Mapping[CellKey, pd.DataFrame], others: Mapping[CellKey, pd.DataFrame]
) -> dict[CellKey, Difference]:
    """Compare each cell with the same cell of other scores, on the same noisy images.

    Args:
        scores: scores by cell, one line per image and seed.
        others: scores to subtract, likewise; cells that only one of the two has are left out.

    Returns:
        The differences by cell, from weak to strong noise, with p corrected over all of them.

    Raises:
        InputError: as raised by ``difference_of`` for any cell.
    """
    shared = sorted((cell for cell in scores if cell in others), key=CellKey.sort_key)
    return _corrected({cell: difference_of(scores[cell], others[cell]) for cell in shared})


def format_difference(pair: Difference) -> str:
    """Format a difference, with its interval if it has one, and a mark if it may be chance."""
    interval = "" if math.isnan(pair.low) else f" [{signed(pair.low)}, {signed(pair.high)}]"
    return f"{signed(pair.mean)}{interval}{'' if pair.p < ALPHA else '°'}"


def _corrected(pairs: dict[Key, Difference]) -> dict[Key, Difference]:
    corrected = holm([pair.p for pair in pairs.values()])
    return {key: replace(pair, p=p) for (key, pair), p in zip(pairs.items(), corrected, strict=True)}
