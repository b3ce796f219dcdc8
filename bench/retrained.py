"""Trainings made again beside the committed ones, as a sheet."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.comparable import ROW, noise_label, parts_of
from bench.errors import InputError
from bench.markup import MISSING
from bench.reproduction import signed
from bench.sheet import Sheet
from bench.tabulate import strength

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.statistics import Scatter
    from bench.trainings import Trainings

PLACE = [*ROW, "seed"]
SPREAD = ["images", "method", "sd", "degrees", "half_width"]
DIGITS = 3
"""Behind the point: trainings of one run differ by less than the hundredths of other tables."""
FAR = "*"
MEANING = (
    "Mean PSNR of the training made again less that of the committed one, dB, on the same noisy images. "
    f"{FAR}: farther than the scatter of the method's other runs lets expect (95 %, all numbers together). "
    "Below: the standard deviation of a training about the mean of its run, pooled over a method's runs, "
    "with its degrees of freedom in brackets; and the 95 % interval of the difference of two trainings "
    "(Student). A training that came back to the last bit adds nothing to either."
)


def retrained(trainings: Trainings, methods: Sequence[str]) -> Sheet:
    """Lay out how far trainings made again ended from the committed ones, and the scatter of each method.

    Args:
        trainings: under one protocol for each noise and test set.
        methods: the columns.

    Raises:
        InputError: no run was trained again.
    """
    differences = trainings.differences
    lines = differences.melt(var_name="again", value_name="difference", ignore_index=False).dropna()
    if lines.empty:
        raise InputError(
            "none of these runs was trained again; name a reference of such trainings as `retrained` in "
            "layout.toml"
        )
    lines = lines.reset_index()
    lines["far"] = [_is_far(line, trainings, numbers=len(lines)) for line in lines.itertuples()]
    sets = sorted(differences.index.unique("images"))
    scatter = {
        (images, method): found
        for images, method in product(sets, methods)
        if (found := trainings.scatter(method, images))
    }
    spreads = [[*place, found.sd, found.degrees, found.retraining()] for place, found in scatter.items()]
    return Sheet(
        "The same trainings again, less the committed ones (PSNR, dB)",
        ["noise", "test set", "seed", "trained again in", *methods],
        [*_difference_rows(lines, differences, methods), *_scatter_rows(scatter, methods, sets)],
        [MEANING, f"{MISSING}: not trained again."],
        lines.merge(pd.DataFrame(spreads, columns=SPREAD), how="left", on=SPREAD[:2]),
        left=4,
    )


def _is_far(line: Any, trainings: Trainings, *, numbers: int) -> bool:
    """Tell whether a training ended farther off than the other runs of its method let expect."""
    others = trainings.without(line.key).scatter(line.method, line.images)
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
    places = parts_of(differences.reset_index(), PLACE)
    for place in sorted(places, key=lambda place: (strength(place[:3]), place[3])):
        noise, parameter, images, seed = place
        for again in differences.columns:
            found = (texts.get((*place, again, method), MISSING) for method in methods)
            yield [noise_label(noise, parameter), images, str(seed), again, *found]


def _scatter_rows(
    scatter: Mapping[tuple[str, str], Scatter], methods: Sequence[str], sets: Sequence[str]
) -> Iterator[list[str]]:
    for images in sets:
        found = [scatter.get((images, method)) for method in methods]
        sds = (f"{each.sd:.{DIGITS}f} ({each.degrees})" if each else MISSING for each in found)
        yield ["standard deviation", images, "", "", *sds]
        apart = (f"±{each.retraining():.{DIGITS}f}" if each else MISSING for each in found)
        yield ["95 % of differences", images, "", "", *apart]
