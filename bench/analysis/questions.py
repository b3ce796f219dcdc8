"""Questions that are asked of scores, each with its family of tests: one test set and one question."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from bench.analysis.grouping import by_cell
from bench.analysis.paired import differences_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from bench.analysis.columns import CellKey
    from bench.analysis.paired import Difference


def differences_to(scores: pd.DataFrame, reference: str) -> dict[CellKey, Difference]:
    """Compare every method with a reference method: how does each differ from it?

    Args:
        scores: one line per run and test image; all runs must be comparable.
        reference: the method to subtract; conditions under which it has no scores are left out.

    Returns:
        The differences by cell, from weak to strong noise; all noises and methods of a test set are a family.

    Raises:
        InputError: as raised by ``differences_of``.
    """
    parts = by_cell(scores)
    theirs = {cell: parts.get(cell._replace(method=reference)) for cell in parts}
    return cell_differences(
        {cell: part for cell, part in parts.items() if cell.method != reference},
        {cell: part for cell, part in theirs.items() if part is not None},
    )


def cell_differences(
    scores: Mapping[CellKey, pd.DataFrame], others: Mapping[CellKey, pd.DataFrame]
) -> dict[CellKey, Difference]:
    """Subtract other scores from those of each cell: how does each cell differ from its counterpart?

    Args:
        scores: scores by cell, one line per image and seed.
        others: scores to subtract, likewise; cells that only one of the two has are left out.

    Returns:
        The differences by cell, from weak to strong noise; all cells of a test set are a family.

    Raises:
        InputError: as raised by ``differences_of``.
    """
    families: dict[str, dict[CellKey, tuple[pd.DataFrame, pd.DataFrame]]] = defaultdict(dict)
    for cell in scores:
        if cell in others:
            families[cell.images][cell] = scores[cell], others[cell]
    found = {cell: pair for family in families.values() for cell, pair in differences_of(family).items()}
    return {cell: found[cell] for cell in sorted(found, key=lambda cell: cell.sort_key())}
