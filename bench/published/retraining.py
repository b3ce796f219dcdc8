"""Trainings of the same runs: how far one ends from another where float32 numbers are rounded otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.analysis.columns import CELL, ROW, Condition
from bench.analysis.comparability import check_same_noisy_images
from bench.analysis.grouping import group_by
from bench.analysis.statistics import DECIMALS, pooled
from bench.errors import InputError
from bench.output.markup import MISSING, signed
from bench.output.text_table import TextTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.analysis.statistics import Scatter

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


def retrained(trainings: Trainings, methods: Sequence[str]) -> TextTable:
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
    return TextTable(
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
        apart = (f"±{each.retraining():.{DIGITS}f}" if each else MISSING for each in found)
        yield ["95 % of differences", images, "", "", *apart]


RUN = [*ROW, "method", "seed", "key"]
COMMITTED = ""
"""In place of a reference's name, which is never empty."""


@dataclass(frozen=True)
class Trainings:
    """The mean PSNR of every training of some runs.

    Args:
        means: dB, one line per run, noise and test set, by ``RUN``; one column per training, ``COMMITTED``
            and then the references in which any was trained again, NaN where one was not.
    """

    means: pd.DataFrame

    @property
    def differences(self) -> pd.DataFrame:
        """Of each training made again, less the committed one, dB."""
        return self.means.drop(columns=COMMITTED).sub(self.means[COMMITTED], axis="index")

    def without(self, key: str) -> Trainings:
        """Leave one run out."""
        return Trainings(self.means.drop(index=key, level="key"))

    def scatter(self, method: str, images: str) -> Scatter | None:
        """Pool how far the trainings of one run lie from each other, over the runs of a method.

        They share their seed, and so the first weights, the crops and all noise, and differ by what the order
        of float32 sums makes of a training: each is taken for a draw about the mean of its run, as wide under
        one noise as under another. One that ended where another did, to the last bit, is no other training,
        and does not count.

        Args:
            method: with its hyper-parameters.
            images: the test set.

        Returns:
            None where no run was trained twice.
        """
        runs = self._means_of(method, images).round(DECIMALS).to_numpy()
        return pooled([np.unique(run[~np.isnan(run)]) for run in runs])

    def seed_scatter(self, method: str, images: str) -> Scatter | None:
        """Pool how far the committed trainings of one cell lie from each other, as ``seed_scatter`` does.

        It holds more than ``scatter``, for with the seed all noise is another.
        """
        committed = self._means_of(method, images)[COMMITTED]
        return pooled([seeds.to_numpy() for _, seeds in committed.groupby(level=CELL)])

    def expected(self, key: str) -> dict[str, Scatter]:
        """Say for each test set of a run how far another training of it may scatter.

        Its own trainings do not tell, for one of them is in question: other runs of its method do, or failing
        these the committed seeds.

        Raises:
            InputError: no other run of its method was trained again, and none with two seeds.
        """
        (method,) = self._values("method", key)
        others = self.without(key)
        found = {}
        for images in self._values("images", key):
            scatter = others.scatter(method, images) or self.seed_scatter(method, images)
            if not scatter:
                raise InputError(
                    f"nothing says how far another training of {method} may end from run {key} on {images}: "
                    "none of the method's other runs was trained again, and no cell has two seeds; name a "
                    "reference of such trainings as `retrained` in layout.toml"
                )
            found[images] = scatter
        return found

    def _means_of(self, method: str, images: str) -> pd.DataFrame:
        runs = self.means.index
        chosen = runs.get_level_values("method") == method
        return self.means[chosen & (runs.get_level_values("images") == images)]

    def _values(self, level: str, key: str) -> list[str]:
        return list(self.means.xs(key, level="key").index.unique(level))


def trainings_of(scores: pd.DataFrame, again: Mapping[str, pd.DataFrame]) -> Trainings:
    """Average each training over its test sets, and put those of one run side by side.

    Args:
        scores: of the committed runs, one line per run and test image.
        again: by the name of a reference, likewise; runs that have not the key of a committed one are left
            out, and so are further test sets.

    Raises:
        InputError: a training made again was scored on other images, or on other noisy copies of them.
    """
    parts = {COMMITTED: scores}
    for name, lines in again.items():
        same = lines[lines["key"].isin(scores["key"])]
        if len(same):
            check_same_noisy_images(pd.concat([scores, same]))
            parts[name] = same
    columns = {name: part.set_index([*RUN, "image"])["psnr"] for name, part in parts.items()}
    psnr = pd.concat(columns, axis="columns").sort_index()
    of_images = psnr.notna().groupby(level=RUN).mean()
    of_images = of_images[of_images[COMMITTED] > 0]
    if not of_images.isin([0, 1]).all(axis=None):
        run = of_images[~of_images.isin([0, 1]).all(axis="columns")].index.to_frame().iloc[0]
        raise InputError(f"trainings of run {run['key']} were scored on unlike images of {run['images']!r}")
    return Trainings(psnr.groupby(level=RUN).mean().loc[of_images.index])
