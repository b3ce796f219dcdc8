"""Where our numbers lie below the published ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.comparable import CELL, noise_label
from bench.reproduction import beside, signed
from bench.sheet import Sheet

if TYPE_CHECKING:
    from bench.reproduction import Reproduction


def shortfalls(reproduction: Reproduction, *, within: float) -> Sheet:
    """List the published numbers, suspect ones apart, that ours do not come near.

    Args:
        reproduction: our numbers beside the published ones.
        within: how far below the published number ours may lie, dB.
    """
    numbers = beside(reproduction).numbers
    compared = numbers[numbers["difference"].notna() & (numbers["suspect"] == "")]
    short = compared[compared["difference"] < -within].sort_values("difference")[
        [*CELL, "published", "psnr", "difference"]
    ]
    rows = [
        [noise_label(noise, parameter), images, method, f"{printed:.2f}", f"{ours:.2f}", signed(difference)]
        for noise, parameter, images, method, printed, ours, difference in short.itertuples(index=False)
    ]
    return Sheet(
        f"More than {within:g} dB below the published number: {len(short)} of {len(compared)}",
        ["noise", "test set", "method", "published", "ours", "difference"],
        rows or [["none", *[""] * 5]],
        ["Suspect numbers, and cells that one of the two lacks, are left out."],
        short,
        left=3,
    )
