"""Reports of made-up results, and their pages read back."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from bench.analysis.columns import CELL
from bench.analysis.tabulate import tabulate
from bench.report.image_options import ImageOptions
from bench.report.write import write_report
from tests.support.results.records import EVALUATION, made_up_record
from tests.support.results.scores import NO_FAILURES

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from bench.analysis.tabulate import Table
    from bench.store.record import RunRecord


def one_table(scores: pd.DataFrame, failures: pd.DataFrame = NO_FAILURES) -> Table:
    """Tabulate scores of one setup."""
    (table,) = tabulate(scores, failures)
    return table


def cell_of(scores: pd.DataFrame, *cell: Any) -> pd.DataFrame:
    """Select the scores of one cell."""
    return scores[(scores[CELL] == list(cell)).all(axis=1)]


class MadeUp:
    """Made-up results."""

    def __init__(self, lines: pd.DataFrame, lost: pd.DataFrame = NO_FAILURES) -> None:
        self.lines, self.lost = lines, lost

    def scores(self) -> pd.DataFrame:
        return self.lines

    def failures(self) -> pd.DataFrame:
        return self.lost

    def keys(self) -> list[str]:
        return sorted(set(self.lines["key"]))

    def record(self, key: str) -> RunRecord:
        (method,) = set(self.lines.loc[self.lines["key"] == key, "method"])
        return made_up_record(key, run={"method": method}, evaluation={"gaussian:25": {"set12": EVALUATION}})


class Reader(HTMLParser):
    """Reads a page: its elements, its text, and the rows of its tables."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.inside = ""
        self.in_cell = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag):
        self.inside = ""
        self.in_cell &= tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside not in ("style", "script"):
            self.text += data
            if self.in_cell:
                self.rows[-1][-1] += data

    def cells(self) -> list[list[str]]:
        return [[" ".join(cell.split()) for cell in row] for row in self.rows]


def read(folder: Path, results=None, root=None, images: ImageOptions | None = None) -> Reader:
    """Write the report of some results and read its page."""
    page, *_ = write_report(results, root or folder / "none", out=folder, images=images or ImageOptions())
    return Reader(page.read_text(encoding="utf-8"))
