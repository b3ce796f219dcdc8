"""Paired differences between methods under one protocol, and between protocols for each method."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd

from bench.analysis.columns import CELL, CellKey
from bench.analysis.comparability import check_same_noisy_images
from bench.analysis.grouping import by_cell, by_condition
from bench.analysis.questions import cell_differences, differences_to
from bench.analysis.sign_flips import ALPHA
from bench.analysis.supervision import methods_in
from bench.errors import InputError
from bench.output.markup import MISSING, plural, signed
from bench.output.text_table import TextTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.analysis.paired import Difference

CHANCE = "°"
CHANCE_NOTE = (
    f"{CHANCE}: p ≥ .05, the difference may be chance. p: sign-flip test of the mean difference, two-sided, "
    "Holm-corrected for all tests of one test set and one question"
)
DIFFERENCE_NOTE = (
    "Mean of the per-image differences of PSNR, dB, on the same noisy images, averaged over the seeds that "
    "both have; in brackets its 95 % bootstrap interval over images (BCa), given these trained networks. "
    f"{CHANCE_NOTE}"
)
DIFFERENCE_COLUMNS = ["difference", "low", "high", "p", "n_images", "n_seeds"]


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
    families = {reference: differences_to(scores, reference) for reference in references}
    pairs = {
        (cell, reference): families[reference][cell]
        for condition in by_condition(scores)
        for place, reference in enumerate(references)
        for cell in (CellKey(*condition, method) for method in methods)
        if cell in families[reference] and cell.method not in references[:place]
    }
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
        [
            f"{DIFFERENCE_NOTE}, here one reference: {family_sizes(families[references[0]])}.",
            f"{MISSING}: no such pair, or shown with the opposite sign.",
        ],
        pd.DataFrame(numbers, columns=[*CELL, "against", *DIFFERENCE_COLUMNS]),
        left=3,
    )


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
        [f"{DIFFERENCE_NOTE}, here this table: {family_sizes(pairs)}."],
        pd.DataFrame(
            [[*cell, *vars(pair).values()] for cell, pair in pairs.items()],
            columns=[*CELL, *DIFFERENCE_COLUMNS],
        ),
        left=3,
    )


def _change(cell: CellKey, pair: Difference) -> list[str]:
    stub = [cell.condition.noise_label, cell.images, cell.method]
    return [*stub, format_difference(pair), f"{pair.p:.2g}", str(pair.seeds)]


def family_sizes(tested: Iterable[CellKey]) -> str:
    """Count the tests of each test set."""
    counts = Counter(cell.images for cell in tested)
    return ", ".join(f"{plural(count, 'test')} on {images}" for images, count in counts.items())


def format_difference(pair: Difference) -> str:
    """Format a difference, with its interval if it has one, and a mark if it may be chance."""
    interval = "" if math.isnan(pair.low) else f" [{signed(pair.low)}, {signed(pair.high)}]"
    return f"{signed(pair.mean)}{interval}{'' if pair.p < ALPHA else CHANCE}"
