"""What methods see: which are self-supervised, and which see more than others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.analysis.grouping import records_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

EXPOSURES = ["noisy", "noise", "noisy2", "clean"]


def self_supervised(sees: str) -> bool:
    """Check whether a method was trained without clean images and without a second noisy copy."""
    return not {"clean", "noisy2", "untrained"} & _needs(sees)


def trained(sees: str) -> bool:
    """Check whether a method learns from training images."""
    return "untrained" not in _needs(sees)


def exposure(sees: str) -> int:
    """Return a rank of what a method sees: untrained first, then noisy images alone, clean images last."""
    needs = _needs(sees)
    if "untrained" in needs:
        return -1
    return max((EXPOSURES.index(need) for need in needs if need in EXPOSURES), default=len(EXPOSURES))


def sort_methods(sees: Mapping[str, str]) -> list[str]:
    """Sort methods by how much they see, least first, then by name.

    Args:
        sees: what each method sees, by method name.
    """
    return sorted(sees, key=lambda method: (exposure(sees[method]), method))


def methods_in(scores: pd.DataFrame) -> list[str]:
    """Return the methods that have scores, sorted by how much they see, least first."""
    return sort_methods(dict(records_of(scores.drop_duplicates("method"), ["method", "sees"])))


def _needs(sees: str) -> set[str]:
    return set(re.findall(r"\w+", sees))
