"""The table of repeated training runs: differences to the committed ones, and each method's scatter."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any

from bench.analysis.columns import ROW, Condition
from bench.analysis.grouping import group_by
from bench.analysis.scatter import NOTABLE, Noise
from bench.errors import InputError
from bench.output.markup import MISSING, signed
from bench.output.text_table import TextTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from bench.analysis.scatter import MethodScatter, Scatter
    from bench.published.retraining import TrainingRuns

PLACE = [*ROW, "seed"]
SCATTER_COLUMNS = ["sd", "degrees", "half_width"]
DIGITS = 3
"""Decimal places; repeated training runs differ by less than the hundredths in other tables."""
APART = "*"
SCATTER_NOTE = (
    "Mean PSNR of the repeated training run minus that of the committed one, dB, on the same noisy images. "
    "Below: the standard deviation of a training run about the mean of the runs with its key, pooled over a "
    "method's runs, with its degrees of freedom in brackets; and the 95 % interval of the difference of two "
    f"training runs (Student). {APART}: under this noise the method's training runs scatter more than under "
    f"the others (F test, p < .05, corrected for its noises) and by more than {NOTABLE:g} dB, and have a "
    "standard deviation of their own. A "
    "repeated training run with the same bits adds nothing to either."
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
    sets = sorted(differences.index.unique("images"))
    scatter = {
        (images, method): found
        for images, method in product(sets, methods)
        if (found := runs.scatter(method, images))
    }
    numbers = lines.assign(**_spreads(lines, scatter))
    return TextTable(
        "Repeated training runs minus the committed ones (PSNR, dB)",
        ["noise", "test set", "seed", "trained again in", *methods],
        [*_difference_rows(numbers, differences, methods), *_scatter_rows(scatter, methods, sets)],
        [SCATTER_NOTE, f"{MISSING}: not trained again."],
        numbers,
        left=4,
    )


def _spreads(lines: pd.DataFrame, scatter: Mapping[tuple[str, str], MethodScatter]) -> dict[str, list[Any]]:
    """Return the scatter of each line's method under its noise, as columns."""
    records: Any = lines.itertuples()
    found = [(Noise(line.noise, line.parameter), scatter.get((line.images, line.method))) for line in records]
    under = [of_method.under(noise) if of_method else None for noise, of_method in found]
    return {
        "apart": [of_method is not None and noise in of_method.apart for noise, of_method in found],
        "sd": [each.sd if each else math.nan for each in under],
        "degrees": [each.degrees if each else math.nan for each in under],
        "half_width": [each.retraining() if each else math.nan for each in under],
    }


def _difference_rows(
    lines: pd.DataFrame, differences: pd.DataFrame, methods: Sequence[str]
) -> Iterator[list[str]]:
    texts = {
        tuple(line[column] for column in [*PLACE, "again", "method"]): (
            f"{signed(line['difference'], digits=DIGITS)}{APART if line['apart'] else ''}"
        )
        for line in lines.to_dict("records")
    }
    places = [(Condition(*row), seed) for *row, seed in group_by(differences.reset_index(), PLACE)]
    for condition, seed in sorted(places, key=lambda place: (place[0].sort_key(), place[1])):
        for again in differences.columns:
            found = (texts.get((*condition, seed, again, method), MISSING) for method in methods)
            yield [condition.noise_label, condition.images, str(seed), again, *found]


def _scatter_rows(
    scatter: Mapping[tuple[str, str], MethodScatter], methods: Sequence[str], sets: Sequence[str]
) -> Iterator[list[str]]:
    for images in sets:
        found = [scatter.get((images, method)) for method in methods]
        common = [each.common if each else None for each in found]
        yield ["standard deviation", images, "", "", *map(_sd, common)]
        intervals = (f"±{each.retraining():.{DIGITS}f}" if each else MISSING for each in common)
        yield ["95 % of differences", images, "", "", *intervals]
        for noise in dict.fromkeys(noise for each in found if each for noise in each.apart):
            own = (each.apart.get(noise) if each else None for each in found)
            sds = (f"{_sd(each)}{APART}" if each else "" for each in own)
            yield [f"standard deviation, {noise}", images, "", "", *sds]


def _sd(scatter: Scatter | None) -> str:
    return f"{scatter.sd:.{DIGITS}f} ({scatter.degrees})" if scatter else MISSING
