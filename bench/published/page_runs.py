"""The runs of one reference, for the template of a page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bench.analysis.columns import CELL, ROW
from bench.analysis.questions import differences_to
from bench.analysis.supervision import methods_in
from bench.errors import InputError, unknown
from bench.published.reproduction import reproduce
from bench.published.retraining import training_runs
from bench.store.reference import open_reference

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bench.analysis.columns import CellKey
    from bench.analysis.paired import Difference
    from bench.published.reproduction import Reproduction
    from bench.published.retraining import TrainingRuns
    from bench.published.table import Published
    from bench.store.reference import Reference


@dataclass(frozen=True)
class PageRuns:
    """The runs of a reference; ``main`` are those that are compared with the published table.

    Args:
        published: the table.
        results: the reference.
        reports: folder of all reference results, including those with retrained runs.
    """

    published: Published
    results: Reference
    reports: Path

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The scores of all runs."""
        return self.results.scores()

    @cached_property
    def reproduction(self) -> Reproduction:
        """The runs that are compared with the published table."""
        return reproduce(self.published, self.scores, self.results.failures())

    @property
    def main(self) -> pd.DataFrame:
        """The scores of the runs that are compared with the published table."""
        return self.reproduction.scores

    @property
    def complete(self) -> pd.DataFrame:
        """The runs of ``main`` whose method has scores under every noise and on every test set."""
        cells = self.main.drop_duplicates(CELL).groupby("method").size()
        complete = cells.index[cells == len(self.main.drop_duplicates(ROW))]
        return self.main[self.main["method"].isin(complete)]

    @property
    def tuning(self) -> pd.DataFrame:
        """The scores of the runs with which settings were chosen."""
        return self.select(training_images=self.published.tuning_images)

    @cached_property
    def repeated(self) -> TrainingRuns:
        """The runs of ``main`` together with their repeated training runs."""
        names = self.published.retrained
        again = {name: open_reference(self.reports / name).scores() for name in names}
        return training_runs(self.main, again)

    def differences_to(self, reference: str) -> dict[CellKey, Difference]:
        """Compare all methods of ``main`` with one of them; computed once."""
        if reference not in self._differences:
            self._differences[reference] = differences_to(self.main, reference)
        return self._differences[reference]

    @cached_property
    def _differences(self) -> dict[str, dict[CellKey, Difference]]:
        return {}

    @property
    def hardware(self) -> str:
        """The devices on which the runs of ``main`` were trained."""
        keys = self.main["key"].unique()
        return " and ".join(sorted({self.results.record(key).hardware.name for key in keys}))

    @property
    def methods(self) -> list[str]:
        """The columns of the published table."""
        return self.published.methods

    @property
    def baselines(self) -> list[str]:
        """The baselines that have scores."""
        return [method for method in self.published.baselines if method in set(self.main["method"])]

    @property
    def has_unpublished(self) -> bool:
        """Whether any methods or settings are not in the published table."""
        return not set(methods_in(self.main)) <= set(self.methods)

    def select(self, **columns: Any) -> pd.DataFrame:
        """Select scores by the values of columns; a list allows several values.

        Raises:
            InputError: there is no such column, or no such score.
        """
        chosen = self.scores
        for name, value in columns.items():
            if name not in chosen:
                raise unknown("column of the scores", name, chosen.columns)
            chosen = chosen[chosen[name].isin(value if isinstance(value, list) else [value])]
        if chosen.empty:
            raise InputError(f"{self.results.folder} has no scores of {columns}")
        return chosen
