"""The cost of each method of a table: what training and denoising take, and what can be compared."""

from __future__ import annotations

import math
from statistics import fmean, median
from typing import TYPE_CHECKING

from bench.output.markup import MISSING, format_number, significant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.analysis.tabulate import Cell, Table

TERA = 1e12
OWN_CORE = 0.9
"""A training thread with a smaller share of a core shared it with other work."""


def method_costs(table: Table) -> dict[tuple[str, str], list[str]]:
    """Format the costs of each method, in the order of the table's methods.

    Returns:
        The texts by the name of the cost and its test set; the set is empty for what does not depend on one.
        A number that the runs did not record is a dash, and what no run recorded is left out.
    """
    of_method = list(zip(*(row.cells for row in table.rows), strict=True))
    of_training: dict[str, Callable[[Sequence[Cell]], str]] = {
        "training TFLOP": lambda cells: _mean((cell.training_flops / TERA for cell in cells), ",.1f"),
        "passes/step": _passes_per_step,
        "training s": lambda cells: format_number(_median(cell.training_seconds for cell in cells), ",.1f"),
        "passes/image": lambda cells: _mean((round(cell.passes, 2) for cell in cells), ",g"),
    }
    costs = {(name, ""): [describe(cells) for cells in of_method] for name, describe in of_training.items()}
    for images in dict.fromkeys(row.images for row in table.rows):
        columns = zip(*(row.cells for row in table.rows if row.images == images), strict=True)
        seconds = [_median(cell.seconds for cell in cells) for cells in columns]
        costs["s/image", images] = [_seconds(value) for value in seconds]
    return {name: texts for name, texts in costs.items() if {*texts} != {MISSING}}


def cost_notes(table: Table, costs: dict[tuple[str, str], list[str]]) -> list[str]:
    """Describe what the given costs of a table mean, and whether its seconds can be compared, in one note."""
    setup = table.setup
    meanings = {
        "training TFLOP": "Training TFLOP: operations of the network in a training run, the same anywhere.",
        "passes/step": "Passes/step: forward / backward through the network, in sizes of a batch of "
        f"{setup.batch} patches of {setup.patch}x{setup.patch}.",
        "training s": f"Training s: the median over the noises, without evaluation{sharing_in(table)}.",
        "passes/image": "Passes/image: of the network to denoise an image, in sizes of the image.",
        "s/image": "S/image: to denoise one image of the test set, the median over the noises.",
    }
    present = {name for name, _ in costs}
    notes = [meaning for name, meaning in meanings.items() if name in present]
    if any(MISSING in texts for texts in costs.values()):
        notes.append(f"{MISSING}: not recorded.")
    return [" ".join(notes)] if notes else []


def sharing(core_shares: Sequence[float]) -> str:
    """Describe whether training threads shared their cores, as far as it is known, as part of a sentence.

    Args:
        core_shares: the share of a core of each training run; NaN if it was not recorded.
    """
    known = [share for share in core_shares if not math.isnan(share)]
    if any(share < OWN_CORE for share in known):
        return f"; cores were shared with other work (a training thread had {min(known):.0%} of one)"
    if len(known) < len(core_shares):
        return "; whether cores were shared with other work was not recorded"
    return ""


def sharing_in(table: Table) -> str:
    """Describe whether the training threads of a table shared their cores, as ``sharing`` does."""
    if table.setup.device != "cpu":
        return ""
    return sharing([cell.core_share for cell in table.cells.values() if cell.training_seconds > 0])


def _passes_per_step(cells: Iterable[Cell]) -> str:
    known = [(cell.forward_passes, cell.backward_passes) for cell in cells]
    known = [pair for pair in known if not any(map(math.isnan, pair))]
    return " / ".join(f"{round(fmean(passes), 2):g}" for passes in zip(*known, strict=True)) or MISSING


def _mean(values: Iterable[float], form: str) -> str:
    known = [value for value in values if not math.isnan(value)]
    return format(fmean(known), form) if known else MISSING


def _median(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return median(known) if known else math.nan


def _seconds(value: float) -> str:
    return significant(value) if value > 0 else format_number(value, "g")
