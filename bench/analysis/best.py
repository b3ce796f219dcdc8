"""The rule that picks the best method of a table row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.analysis.supervision import self_supervised

if TYPE_CHECKING:
    from collections.abc import Mapping

PRINTED_DIGITS = {"psnr": 2, "ssim": 3, "lpips": 3}
"""Number of decimals with which each metric is printed."""


def best_methods(values: Mapping[str, float], sees: Mapping[str, str], *, metric: str = "psnr") -> list[str]:
    """Return the self-supervised methods of a row with the best printed score.

    Scores are compared after rounding to the printed digits: two equal numbers in a row are both best, or
    neither is.

    Args:
        values: score of each method; NaN if unknown.
        sees: what each method sees.
        metric: metric of the scores; lower is better for LPIPS, higher for the others.

    Returns:
        The methods, the best before rounding first; empty if no score is known.
    """
    sign = -1 if metric == "lpips" else 1
    known = {
        method: sign * float(value)
        for method, value in values.items()
        if self_supervised(sees[method]) and not math.isnan(value)
    }
    ranked = sorted(known, key=known.__getitem__, reverse=True)
    digits = PRINTED_DIGITS[metric]
    return [method for method in ranked if round(known[method], digits) == round(known[ranked[0]], digits)]
