"""Paired differences: of methods under one protocol, and of protocols for one method."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.columns import CELL, ROW, noise_label, parts_of
from bench.analysis.comparability import check_same_noisy_images
from bench.analysis.statistics import Difference, difference_of, holm
from bench.analysis.tabulate import methods_in, strength
from bench.errors import InputError
from bench.output.markup import MISSING, signed
from bench.output.text_table import TextTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ALPHA = 0.05
MEANING = (
    "Mean of the per-image differences of PSNR, dB, on the same noisy images, averaged over the seeds that "
    "both have; in brackets its 95 % bootstrap interval over images (BCa), given these trained networks. "
    "p: Wilcoxon's signed-rank test of the same differences, two-sided, Holm-corrected over all {tests} "
    "tests of this table; °: p ≥ .05."
)


def compare_with(scores: pd.DataFrame, methods: Sequence[str]) -> TextTable:
    """Compare every method with each of a few, image by image.

    Args:
        scores: one line per run and test image, of runs that can be compared.
        methods: to compare with; the same pair is tested once.

    Raises:
        InputError: one of them has no scores.
    """
    if absent := set(methods) - set(scores["method"]):
        raise InputError(f"there are no scores of {', '.join(sorted(absent))} to compare with")
    others = methods_in(scores)
    pairs: dict[tuple[Any, ...], Difference] = {}
    for row, lines in sorted(parts_of(scores, ROW).items(), key=lambda part: strength(part[0])):
        parts = {method: part for (method,), part in parts_of(lines, ["method"]).items()}
        for place, reference in enumerate(methods):
            for method in others:
                if method in parts and reference in parts and method not in methods[: place + 1]:
                    pairs[*row, method, reference] = difference_of(parts[method], parts[reference])
    pairs = _corrected(pairs)
    rows = []
    for row in dict.fromkeys(key[:3] for key in pairs):
        for reference in methods:
            found = [pairs.get((*row, method, reference)) for method in others]
            if any(found):
                stub = [noise_label(row[0], row[1]), row[2], f"− {reference}"]
                rows.append(
                    [*stub, *(MISSING if pair is None else format_difference(pair) for pair in found)]
                )
    columns = [*CELL, "against", "difference", "low", "high", "p_holm", "n_images", "n_seeds"]
    numbers = [[*key, *vars(pair).values()] for key, pair in pairs.items()]
    return TextTable(
        f"Paired differences to {' and to '.join(methods)}",
        ["noise", "test set", "", *others],
        rows,
        [MEANING.format(tests=len(pairs))],
        pd.DataFrame(numbers, columns=columns),
        left=3,
    )


def changes(scores: pd.DataFrame, other: pd.DataFrame, *, title: str) -> TextTable:
    """Compare each method under one protocol with itself under another, on the same noisy images.

    Args:
        scores: one line per run and test image, of one protocol.
        other: of the protocol to compare with; cells that it lacks are left out.
        title: of the sheet.

    Raises:
        InputError: they share no cell, or were given different noisy images.
    """
    check_same_noisy_images(pd.concat([scores, other]))
    pairs = cell_differences(parts_of(scores, CELL), parts_of(other, CELL))
    if not pairs:
        raise InputError(f"{title}: the two protocols share no cell")
    rows = [
        [
            noise_label(noise, parameter),
            images,
            method,
            format_difference(pair),
            f"{pair.p:.2g}",
            str(pair.seeds),
        ]
        for (noise, parameter, images, method), pair in pairs.items()
    ]
    columns = [*CELL, "difference", "low", "high", "p_holm", "n_images", "n_seeds"]
    return TextTable(
        title,
        ["noise", "test set", "method", "difference", "p", "seeds"],
        rows,
        [MEANING.format(tests=len(pairs))],
        pd.DataFrame([[*cell, *vars(pair).values()] for cell, pair in pairs.items()], columns=columns),
        left=3,
    )


def cell_differences(
    parts: Mapping[tuple[Any, ...], pd.DataFrame], others: Mapping[tuple[Any, ...], pd.DataFrame]
) -> dict[tuple[Any, ...], Difference]:
    """Compare each cell with the same cell of other scores, on the same noisy images.

    Args:
        parts: by cell, one line per image and seed.
        others: likewise, to be subtracted; cells that only one of the two has are left out.

    Returns:
        By cell, from weak to strong noise, with p corrected over all of them.

    Raises:
        InputError: as by ``difference_of`` for any cell.
    """
    found = {
        cell: difference_of(lines, others[cell])
        for cell, lines in sorted(parts.items(), key=_place)
        if cell in others
    }
    return _corrected(found)


def format_difference(pair: Difference) -> str:
    """Write a difference with its interval, where it has one, and a mark where it may be chance."""
    interval = "" if math.isnan(pair.low) else f" [{signed(pair.low)}, {signed(pair.high)}]"
    return f"{signed(pair.mean)}{interval}{'' if pair.p < ALPHA else '°'}"


def _corrected(pairs: dict[tuple[Any, ...], Difference]) -> dict[tuple[Any, ...], Difference]:
    corrected = holm([pair.p for pair in pairs.values()])
    return {key: replace(pair, p=p) for (key, pair), p in zip(pairs.items(), corrected, strict=True)}


def _place(part: tuple[tuple[Any, ...], pd.DataFrame]) -> tuple[Any, ...]:
    *row, method = part[0]
    return *strength(row), method
