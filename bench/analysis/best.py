"""The one rule for the best method of a row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.analysis.supervision import self_supervised

if TYPE_CHECKING:
    from collections.abc import Mapping

PRINTED_DIGITS = {"psnr": 2, "ssim": 3, "lpips": 3}
"""Digits after the decimal point with which a metric is printed."""


def best_methods(values: Mapping[str, float], sees: Mapping[str, str], *, metric: str = "psnr") -> list[str]:
    """Return the self-supervised methods of a row whose score, as printed, is the best.

    Scores are compared as printed, so that of two equal numbers in a row either both are best or neither.

    Args:
        values: score of each method; NaN where it is not known.
        sees: what each method sees.
        metric: of the scores; LPIPS is best where it is lowest, the others where they are highest.

    Returns:
        The methods with the best score before rounding first; none where no score is known.
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
