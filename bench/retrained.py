"""Trainings made again beside the committed ones, as a sheet."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

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

SPREAD = ["images", "method", "sd", "degrees", "half_width"]
DIGITS = 3
"""Behind the point: trainings of one run differ by less than the hundredths of other tables."""
MEANING = (
    "Mean PSNR of the training made again less that of the committed one, dB, on the same noisy images. "
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
    sets = sorted(differences.index.unique("images"))
    scatter = {
        (images, method): found
        for images, method in product(sets, methods)
        if (found := trainings.scatter(method, images))
    }
    spreads = [[*place, found.sd, found.degrees, found.retraining()] for place, found in scatter.items()]
    numbers = lines.reset_index().merge(pd.DataFrame(spreads, columns=SPREAD), how="left", on=SPREAD[:2])
    return Sheet(
        "The same trainings again, less the committed ones (PSNR, dB)",
        ["noise", "test set", "seed", "trained again in", *methods],
        [*_difference_rows(differences, methods), *_scatter_rows(scatter, methods, sets)],
        [MEANING, f"{MISSING}: not trained again."],
        numbers,
        left=4,
    )


def _difference_rows(differences: pd.DataFrame, methods: Sequence[str]) -> Iterator[list[str]]:
    places = parts_of(differences.reset_index(), [*ROW, "seed"])
    for place, part in sorted(places.items(), key=lambda item: (strength(item[0][:3]), item[0][3])):
        noise, parameter, images, seed = place
        for again in differences.columns:
            found = dict(zip(part["method"], part[again], strict=True))
            texts = (_text(found.get(method, math.nan)) for method in methods)
            yield [noise_label(noise, parameter), images, str(seed), again, *texts]


def _text(difference: float) -> str:
    return MISSING if math.isnan(difference) else signed(difference, digits=DIGITS)


def _scatter_rows(
    scatter: Mapping[tuple[str, str], Scatter], methods: Sequence[str], sets: Sequence[str]
) -> Iterator[list[str]]:
    for images in sets:
        found = [scatter.get((images, method)) for method in methods]
        sds = (f"{each.sd:.{DIGITS}f} ({each.degrees})" if each else MISSING for each in found)
        yield ["standard deviation", images, "", "", *sds]
        apart = (f"±{each.retraining():.{DIGITS}f}" if each else MISSING for each in found)
        yield ["95 % of differences", images, "", "", *apart]
