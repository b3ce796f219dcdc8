"""Repeated training of the same runs, whose results differ by float32 rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from bench.analysis.columns import ROW
from bench.analysis.comparability import check_same_noisy_images
from bench.analysis.intervals import DECIMALS
from bench.analysis.scatter import Noise, scatter_of
from bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.analysis.scatter import MethodScatter, Scatter

RUN = [*ROW, "method", "seed", "key"]
Lines = TypeVar("Lines", pd.Series, pd.DataFrame)
COMMITTED = ""
"""Column of the committed runs; names of references are never empty."""


class ScoredSet(NamedTuple):
    """A noise parameter and a test set; a run has one mean PSNR for each."""

    parameter: float
    images: str


@dataclass(frozen=True)
class TrainingRuns:
    """The mean PSNRs of runs that were trained several times.

    Args:
        means: dB, one line per run, noise and test set, indexed by ``RUN``; the column ``COMMITTED`` and one
            for each reference with retrained runs, NaN where a run was not retrained.
    """

    means: pd.DataFrame

    @property
    def differences(self) -> pd.DataFrame:
        """PSNR of each repeated training run minus the committed one, dB."""
        return self.means.drop(columns=COMMITTED).sub(self.means[COMMITTED], axis="index")

    def without(self, key: str) -> TrainingRuns:
        """Return the other runs, without one."""
        return TrainingRuns(self.means.drop(index=key, level="key"))

    def scatter(self, method: str, images: str) -> MethodScatter | None:
        """Compute the scatter of repeated training of the same run, over the runs of a method.

        Repetitions share the seed, and so the initial weights, the patches and all noise; they differ by the
        order in which float32 numbers are added. Each is taken as a draw around the mean of its run.
        Repetitions with identical bits count once.

        Args:
            method: the method with its hyper-parameters.
            images: the test set.

        Returns:
            None if no run was trained twice.
        """
        runs = self._means_of(method, images).round(DECIMALS)
        return scatter_of(
            {
                noise: [np.unique(run[~np.isnan(run)]) for run in lines.to_numpy()]
                for noise, lines in _by_noise(runs)
            }
        )

    def seed_scatter(self, method: str, images: str) -> MethodScatter | None:
        """Compute the scatter of committed runs of one cell, as ``bench.analysis.scatter.seed_scatter``.

        It is larger than ``scatter``, because another seed also changes all noise.
        """
        committed = self._means_of(method, images)[COMMITTED]
        return scatter_of({noise: [seeds.to_numpy()] for noise, seeds in _by_noise(committed)})

    def expected(self, key: str) -> dict[ScoredSet, Scatter]:
        """Estimate, for each noise and test set of a run, how far a repeated training run may differ.

        The run itself is left out, because its result is in question: the estimate uses other runs of its
        method or, without any, the committed seeds.

        Raises:
            InputError: no other run of its method was retrained, and none has two seeds.
        """
        others, found = self.without(key), {}
        for noise, parameter, images, method, _ in self.means.xs(key, level="key").index:
            scatter = others.scatter(method, images) or self.seed_scatter(method, images)
            if not scatter:
                raise InputError(
                    f"how far another training run of {method} may differ from run {key} on {images} is not "
                    "known: none of the method's other runs was trained again, and no cell has two seeds; "
                    "name a reference in which some were as `retrained` in layout.toml"
                )
            found[ScoredSet(parameter, images)] = scatter.under(Noise(noise, parameter))
        return found

    def _means_of(self, method: str, images: str) -> pd.DataFrame:
        runs = self.means.index
        chosen = runs.get_level_values("method") == method
        return self.means[chosen & (runs.get_level_values("images") == images)]


def _by_noise(runs: Lines) -> Iterator[tuple[Noise, Lines]]:
    groups: Any = runs.groupby(level=[*Noise._fields])
    for noise, lines in groups:
        yield Noise(*noise), lines


def training_runs(scores: pd.DataFrame, again: Mapping[str, pd.DataFrame]) -> TrainingRuns:
    """Average the PSNR of each training run per test set, and align repetitions of the same run.

    Args:
        scores: scores of the committed runs, one line per run and test image.
        again: the same for repeated training runs, by name of their reference; runs and test sets without
            committed scores are left out.

    Raises:
        InputError: a repeated training run was scored on other images, or on other noisy copies.
    """
    parts = {COMMITTED: scores}
    for name, lines in again.items():
        same = lines[lines["key"].isin(scores["key"])]
        if len(same):
            check_same_noisy_images(pd.concat([scores, same]))
            parts[name] = same
    columns = {name: part.set_index([*RUN, "image"])["psnr"] for name, part in parts.items()}
    psnr = pd.concat(columns, axis="columns").sort_index()
    # For each run, noise and test set: the fraction of images that each training run has scores for.
    shares = psnr.notna().groupby(level=RUN).mean()
    shares = shares[shares[COMMITTED] > 0]
    partial = ~shares.isin([0, 1]).all(axis="columns")
    if partial.any():
        run = shares[partial].index.to_frame().iloc[0]
        raise InputError(
            f"training runs of {run['key']} were scored on different images of {run['images']!r}"
        )
    return TrainingRuns(psnr.groupby(level=RUN).mean().loc[shares.index])
