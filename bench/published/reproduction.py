"""The runs of a reference that are compared with a published table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from bench.analysis.grouping import by_cell
from bench.analysis.means import Mean, mean_of
from bench.analysis.tabulate import Cell, Table, tabulate
from bench.errors import InputError
from bench.tables.caption import title

if TYPE_CHECKING:
    from bench.analysis.columns import CellKey, Condition
    from bench.published.table import Published


@dataclass(frozen=True)
class Reproduction:
    """The runs of one reference that are compared with a published table.

    Args:
        published: the table.
        scores: scores of the runs, one line per run and test image, without cells in which a seed failed.
        tables: tables of the runs, one per training set.
        means: mean PSNR of each cell.
    """

    published: Published
    scores: pd.DataFrame
    tables: tuple[Table, ...]
    means: dict[CellKey, Mean]

    @property
    def cells(self) -> dict[CellKey, Cell]:
        """All cells of the runs: finished, failed or missing."""
        return {key: cell for table in self.tables for key, cell in table.cells.items()}

    def seeds(self, condition: Condition) -> int:
        """Return the largest number of seeds that any method has under a condition."""
        return max((mean.seeds for key, mean in self.means.items() if key.condition == condition), default=0)


def reproduce(published: Published, scores: pd.DataFrame, failures: pd.DataFrame) -> Reproduction:
    """Choose the runs that are compared with a published table.

    Args:
        published: the table.
        scores: one line per run and test image, as returned by a store.
        failures: one line per failed run and test set.

    Raises:
        InputError: there are no such runs, two protocols share a training set, two training sets share a row,
            or scores cannot be compared.
    """
    scores, failures = (_chosen(published, lines) for lines in (scores, failures))
    tables = tabulate(scores, failures)
    _require_one_protocol_each(tables, published)
    _require_separate_rows(tables)
    # A mean over the seeds that did not fail would flatter a method that diverges.
    failed = {key for table in tables for key, cell in table.cells.items() if cell.status == "failed"}
    sound = {key: lines for key, lines in by_cell(scores).items() if key not in failed}
    scores = pd.concat(sound.values()) if sound else scores.iloc[:0]
    means = {key: mean_of(lines) for key, lines in sound.items()}
    return Reproduction(published, scores, tuple(tables), means)


def _chosen(published: Published, lines: pd.DataFrame) -> pd.DataFrame:
    if lines.empty:
        return lines
    wanted = lines["training_images"].isin(published.training_images)
    return lines[wanted & (lines["training_noise"] == published.training_noise)]


def _require_one_protocol_each(tables: list[Table], published: Published) -> None:
    if len({table.setup.training_images for table in tables}) < len(tables):
        found = "; ".join(title(table.setup) for table in tables)
        raise InputError(f"the runs beside {published.title} must share a protocol, but there are: {found}")


def _require_separate_rows(tables: list[Table]) -> None:
    rows = Counter(str(row.condition) for table in tables for row in table.rows)
    if twice := [row for row, count in rows.items() if count > 1]:
        training = " and ".join(table.setup.training_images for table in tables)
        raise InputError(f"runs of {training} were scored on {twice[0]}; name one of them")
