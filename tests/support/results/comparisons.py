"""Made-up results of two folders, and their comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.tables.cell_pair import COMPARISON_HEADER
from bench.tables.compare import compare
from tests.support.results.records import made_up_record
from tests.support.results.scores import NO_FAILURES, made_up

if TYPE_CHECKING:
    import pandas as pd

    from bench.output.text_table import TextTable
    from bench.store.record import RunRecord

FILES = [f"{number:02}.png" for number in range(12)]
SET12 = {"set12": FILES}
CIRCUMSTANCES: dict[str, Any] = {
    "run": {"fingerprint": "abcdef012345" + "0" * 52},
    "source": {"sha256": "as it was"},
    "commit": "1234567890abcdef",
    "hardware": {"name": "one CPU"},
}
NEW_CODE = {"all": {"source": {"sha256": "as it is now"}}}
"""Changes to records: other files of the methods than in ``CIRCUMSTANCES``."""


@dataclass
class Made:
    """Made-up results; all runs have the same record, except for the changes to those of a method."""

    lines: pd.DataFrame
    failed: pd.DataFrame = field(default_factory=lambda: NO_FAILURES)
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def scores(self) -> pd.DataFrame:
        return self.lines

    def failures(self) -> pd.DataFrame:
        return self.failed

    def keys(self) -> list[str]:
        return sorted(set(self.lines["key"]))

    def changes_of(self, key: str) -> dict[str, Any]:
        method = self.lines.loc[self.lines["key"] == key, "method"].iloc[0]
        return CIRCUMSTANCES | self.changes.get("all", {}) | self.changes.get(method, {})

    def record(self, key: str) -> RunRecord:
        return made_up_record(key, **self.changes_of(key))


def compare_made(a: Made, b: Made) -> TextTable:
    (table,) = compare(a, b, names=("first/runs", "second/runs"))
    return table


def notes_of(table: TextTable, start: str) -> list[str]:
    return [note for note in table.notes if note.startswith(start)]


def column(table: TextTable, name: str) -> dict[str, str]:
    """Return a column's text by method, of a table with one noise and one set."""
    place = COMPARISON_HEADER.index(name)
    found = {row[2]: row[place] for row in table.rows}
    assert len(found) == len(table.rows)
    return found


def drawn(**changes: Any) -> pd.DataFrame:
    return made_up(noises=[("gaussian", 25.0)], sets=SET12, **changes)
