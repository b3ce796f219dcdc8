"""Trainings of the same runs: how far one ends from another where float32 numbers are rounded otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.comparable import CELL, ROW, check_same_noisy_images
from bench.errors import InputError
from bench.statistics import DECIMALS, pooled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.statistics import Scatter

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
