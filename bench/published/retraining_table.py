"""The table of repeated training runs: differences to the committed ones, and each method's scatter."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.columns import ROW, Condition
from bench.analysis.grouping import group_by
from bench.errors import InputError
from bench.output.markup import MISSING, signed
from bench.output.text_table import TextTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.analysis.scatter import Scatter
    from bench.published.retraining import TrainingRuns

PLACE = [*ROW, "seed"]
SCATTER_COLUMNS = ["images", "method", "sd", "degrees", "half_width"]
DIGITS = 3
"""Decimal places; repeated training runs differ by less than the hundredths in other tables."""
FAR = "*"
SCATTER_NOTE = (
    "Mean PSNR of the repeated training run minus that of the committed one, dB, on the same noisy images. "
    f"{FAR}: farther than expected from the scatter of the method's other runs (95 %, all numbers together). "
    "Below: the standard deviation of a training run about the mean of the runs with its key, pooled over a "
    "method's runs, with its degrees of freedom in brackets; and the 95 % interval of the difference of two "
    "training runs (Student). A repeated training run with the same bits adds nothing to either."
)


def retraining_table(runs: TrainingRuns, methods: Sequence[str]) -> TextTable:
    """Make the table of differences of repeated training runs to the committed ones, and of their scatter.

    Args:
        runs: the training runs, under one protocol for each noise and test set.
        methods: the columns.

    Raises:
        InputError: no run was trained again.
    """
    differences = runs.differences
    lines = differences.melt(var_name="again", value_name="difference", ignore_index=False).dropna()
    if lines.empty:
        raise InputError(
            "none of these runs was trained again; name a reference in which some were as `retrained` in "
            "layout.toml"
        )
    lines = lines.reset_index()
    lines["far"] = [_is_far(line, runs, numbers=len(lines)) for line in lines.itertuples()]
    sets = sorted(differences.index.unique("images"))
    scatter = {
        (images, method): found
        for images, method in product(sets, methods)
        if (found := runs.scatter(method, images))
    }
    spreads = [[*place, found.sd, found.degrees, found.retraining()] for place, found in scatter.items()]
    return TextTable(
        "Repeated training runs minus the committed ones (PSNR, dB)",
        ["noise", "test set", "seed", "trained again in", *methods],
        [*_difference_rows(lines, differences, methods), *_scatter_rows(scatter, methods, sets)],
        [SCATTER_NOTE, f"{MISSING}: not trained again."],
        lines.merge(pd.DataFrame(spreads, columns=SCATTER_COLUMNS), how="left", on=SCATTER_COLUMNS[:2]),
        left=4,
    )


def _is_far(line: Any, runs: TrainingRuns, *, numbers: int) -> bool:
    """Check whether a difference exceeds what the other runs of the method predict."""
    others = runs.without(line.key).scatter(line.method, line.images)
    return others is not None and abs(line.difference) > others.retraining(numbers)


def _difference_rows(
    lines: pd.DataFrame, differences: pd.DataFrame, methods: Sequence[str]
) -> Iterator[list[str]]:
    texts = {
        tuple(line[column] for column in [*PLACE, "again", "method"]): (
            f"{signed(line['difference'], digits=DIGITS)}{FAR if line['far'] else ''}"
        )
        for line in lines.to_dict("records")
    }
    places = [(Condition(*row), seed) for *row, seed in group_by(differences.reset_index(), PLACE)]
    for condition, seed in sorted(places, key=lambda place: (place[0].sort_key(), place[1])):
        for again in differences.columns:
            found = (texts.get((*condition, seed, again, method), MISSING) for method in methods)
            yield [condition.noise_label, condition.images, str(seed), again, *found]


def _scatter_rows(
    scatter: Mapping[tuple[str, str], Scatter], methods: Sequence[str], sets: Sequence[str]
) -> Iterator[list[str]]:
    for images in sets:
        found = [scatter.get((images, method)) for method in methods]
        sds = (f"{each.sd:.{DIGITS}f} ({each.degrees})" if each else MISSING for each in found)
        yield ["standard deviation", images, "", "", *sds]
        intervals = (f"±{each.retraining():.{DIGITS}f}" if each else MISSING for each in found)
        yield ["95 % of differences", images, "", "", *intervals]
