"""In words, how two methods compare: better, worse, as good as, or not decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.analysis.sign_flips import ALPHA

if TYPE_CHECKING:
    from bench.analysis.paired import Difference

MARGIN = 0.1
"""Differences in mean PSNR below this are of no practical importance, dB.

It is 2.3 % of the squared error, and about as much as retraining changes: two training runs of a method with
the largest standard deviation that protocol 5 accepts, 0.05 dB, differ by more in one of six cases.
"""

Relation = Literal["better than", "worse than", "as good as", "not shown to differ from"]


def relation_of(pair: Difference) -> Relation:
    """Describe a difference in words.

    Two one-sided tests (Schuirmann 1987): a method is as good as another if the 95 % interval of their
    difference is inside ``MARGIN`` on both sides. A difference that is not significant says less: that the
    images do not decide.

    Returns:
        Words that fit between the names of the two methods.
    """
    if pair.p < ALPHA:
        return "better than" if pair.mean > 0 else "worse than"
    if pair.low > -MARGIN and pair.high < MARGIN:
        return "as good as"
    return "not shown to differ from"
