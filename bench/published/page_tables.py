"""Tables and figures of a page, written as files and returned as Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.supervision import methods_in
from bench.errors import InputError
from bench.published.overview import overview_table, write_overview
from bench.published.ranks import write_ranks
from bench.published.retraining_table import retraining_table
from bench.published.side_by_side import gaps_table, side_by_side_table, unpublished_table
from bench.published.tuning import hyper_parameters_table, settings_table
from bench.tables.paired_differences import changes, compare_with

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from bench.output.text_table import TextTable
    from bench.published.page_runs import PageRuns


@dataclass(frozen=True)
class PageTables:
    """Writes tables of one reference; ``stem`` is the stem of the file names.

    Args:
        runs: runs of the reference.
        folder: folder for the files.
        files: the files written so far; each method appends its own.
    """

    runs: PageRuns
    folder: Path
    files: list[Path]

    def overview(self, stem: str, baseline: str, images: str) -> str:
        """Write the table of one test set, and draw the differences to a baseline."""
        scores, methods = self.runs.main, set(self.runs.complete["method"])
        table = overview_table(scores[scores["images"] == images], methods, baseline)
        self.files.extend(write_overview(table.numbers, baseline, folder=self.folder, stem=stem))
        return self._write(stem, table)

    def side_by_side(self, stem: str) -> str:
        """Write the published table with our numbers below the published ones."""
        return self._write(stem, side_by_side_table(self.runs.reproduction))

    def unpublished(self, stem: str) -> str:
        """Write the numbers of methods and settings that are not in the published table."""
        table = unpublished_table(self.runs.reproduction)
        if table is None:
            raise InputError(f"{self.runs.results.folder} has no method that is not in the published table")
        return self._write(stem, table)

    def gaps(self, stem: str, within: float) -> str:
        """Write the published numbers that ours do not reach to within the given dB."""
        return self._write(stem, gaps_table(self.runs.reproduction, within=within))

    def compare_with(self, stem: str, methods: Sequence[str]) -> str:
        """Write the paired differences to a few methods."""
        return self._write(stem, compare_with(self.runs.main, methods))

    def changes(self, stem: str, title: str, scores: pd.DataFrame, other: pd.DataFrame) -> str:
        """Write the differences between two protocols, the first minus the second."""
        return self._write(stem, changes(scores, other, title=title))

    def retraining(self, stem: str) -> str:
        """Write how far repeated training runs differ, for the methods that were retrained."""
        repeated = self.runs.repeated
        again = set(repeated.differences.dropna(how="all").index.unique("method"))
        methods = [method for method in methods_in(self.runs.main) if method in again]
        return self._write(stem, retraining_table(repeated, methods))

    def settings(self, stem: str) -> str:
        """Write the search for the optimiser's settings."""
        return self._write(stem, settings_table(self.runs.tuning))

    def hyper_parameters(self, stem: str) -> str:
        """Write the search for the hyper-parameters."""
        return self._write(stem, hyper_parameters_table(self.runs.tuning))

    def ranks(self, stem: str) -> str:
        """Draw the mean ranks; return the name of the figure."""
        self.files.extend(write_ranks(self.runs.complete, folder=self.folder, stem=stem))
        return f"{stem}.svg"

    def _write(self, stem: str, table: TextTable) -> str:
        self.files.extend(table.write(self.folder, stem))
        return table.markdown()
