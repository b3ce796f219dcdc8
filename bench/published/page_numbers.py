"""Numbers in the text of a page, computed from scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.analysis.columns import CELL, CellKey, Condition
from bench.analysis.equivalence import MARGIN, relation_of
from bench.analysis.means import mean_of
from bench.analysis.paired import difference_of
from bench.analysis.scatter import MOST_ALLOWED, seed_scatter
from bench.errors import InputError
from bench.output.markup import signed
from bench.published.side_by_side import format_mean
from bench.tables.paired_differences import format_difference

if TYPE_CHECKING:
    import pandas as pd

    from bench.analysis.equivalence import Relation
    from bench.analysis.paired import Difference
    from bench.analysis.scatter import MethodScatter
    from bench.published.page_runs import PageRuns


@dataclass(frozen=True)
class PageNumbers:
    """Numbers of one reference and of the published table; ``condition`` is noise, parameter and test set.

    A number without scores raises InputError.
    """

    runs: PageRuns

    def published(self, method: str, *condition: Any) -> float:
        """Return a published PSNR, dB."""
        return float(_cell(self.runs.published.cells, method, condition)["psnr"].item())

    def published_difference(self, method: str, other: str, *condition: Any) -> str:
        """Format the difference of two published numbers, the first minus the second, dB."""
        return signed(self.published(method, *condition) - self.published(other, *condition))

    def mean(self, method: str, *condition: Any) -> float:
        """Return our mean PSNR, dB."""
        return mean_of(self._ours(method, condition)).value

    def psnr(self, method: str, *condition: Any) -> str:
        """Format our mean PSNR with its interval."""
        mean = mean_of(self._ours(method, condition))
        return format_mean(mean, of_seeds=mean.seeds)

    def difference(self, method: str, other: str, *condition: Any) -> str:
        """Format the paired difference of two methods, the first minus the second, with its interval."""
        return format_difference(self._difference(method, other, condition))

    def relation(self, method: str, other: str, *condition: Any) -> Relation:
        """Return the words between the names of two methods that say how they compare."""
        return relation_of(self._difference(method, other, condition))

    @property
    def margin(self) -> float:
        """The largest difference between methods that are as good as each other, dB."""
        return MARGIN

    def difference_on_image(self, scores: pd.DataFrame, method: str, *condition: Any, image: str) -> str:
        """Format the PSNR of a method on one image in other scores, minus ours, dB."""
        ours, theirs = self._ours(method, condition), _cell(scores, method, condition)
        pair = difference_of(theirs[theirs["image"] == image], ours[ours["image"] == image])
        return signed(pair.mean)

    def retraining_difference(self, method: str, *condition: Any) -> str:
        """Format the mean difference of repeated training runs to the committed ones, PSNR in dB."""
        differences = self.runs.repeated.differences
        found = _cell(differences.reset_index(), method, condition)[list(differences)].to_numpy()
        if np.isnan(found).all():
            raise InputError(f"no run of {method} was trained again on {Condition(*condition)}")
        return signed(float(np.nanmean(found)))

    def retraining_scatter(self, method: str, images: str) -> MethodScatter:
        """Compute the scatter of repeated training runs of a method, dB."""
        found = self.runs.repeated.scatter(method, images)
        if found is None:
            raise InputError(f"no run of {method} was trained again on {images}")
        return found

    def seed_scatter(self, method: str, images: str) -> MethodScatter:
        """Compute the scatter of a method's mean PSNR between training seeds, dB."""
        main = self.runs.main
        found = seed_scatter(main[(main["images"] == images) & (main["method"] == method)])
        if method not in found:
            raise InputError(f"no cell of {method} on {images} was trained with two seeds")
        return found[method]

    @property
    def most_allowed(self) -> float:
        """The largest difference that ``noisebench verify`` allows, dB."""
        return MOST_ALLOWED

    def hours(self, scores: pd.DataFrame) -> float:
        """Sum the training times of runs, in hours."""
        return float(scores.drop_duplicates("key")["training_seconds"].sum()) / 3600

    def _ours(self, method: str, condition: tuple[Any, ...]) -> pd.DataFrame:
        return _cell(self.runs.main, method, condition)

    def _difference(self, method: str, other: str, condition: tuple[Any, ...]) -> Difference:
        """Look a difference up in the family of the table of paired differences, if that has it."""
        for each in (method, other):
            self._ours(each, condition)
        if other not in self.runs.baselines and method in self.runs.baselines:
            return -self._difference(other, method, condition)
        noise, parameter, images = condition
        return self.runs.differences_to(other)[CellKey(noise, parameter, images, method)]


def _cell(scores: pd.DataFrame, method: str, condition: tuple[Any, ...]) -> pd.DataFrame:
    chosen = scores[(scores[CELL] == [*condition, method]).all(axis="columns")]
    if chosen.empty:
        raise InputError(f"there are no scores of {method} on {Condition(*condition)}")
    return chosen
