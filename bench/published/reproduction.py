"""Our numbers beside the published ones, and what of ours the publication lacks."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.columns import CELL, ROW, CellKey, Condition
from bench.analysis.grouping import by_cell, records_of
from bench.analysis.statistics import Mean, mean_of
from bench.analysis.tabulate import Cell, Table, tabulate
from bench.discovery import listings
from bench.errors import InputError
from bench.output.markup import MISSING, plural, signed
from bench.output.text_table import TextTable
from bench.tables.caption import protocol_notes, title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.published.table import Published

SUSPECT = "†"
MEANING = (
    "±: half-width of the 95 % interval of the mean, PSNR in dB, over the images of the test set and the "
    "training seeds as crossed random effects (Satterthwaite); of one seed over the images alone."
)
NUMBERS = [*CELL, "published", "suspect", "psnr", "half_width", "n_images", "n_seeds", "difference"]


@dataclass(frozen=True)
class Reproduction:
    """The runs of one reference that stand beside a published table.

    Args:
        published: the table.
        scores: of the runs, one line per run and test image; none of a cell of which a seed failed.
        tables: of the runs, one for each training set.
        means: PSNR of each cell.
    """

    published: Published
    scores: pd.DataFrame
    tables: tuple[Table, ...]
    means: dict[CellKey, Mean]

    @property
    def cells(self) -> dict[CellKey, Cell]:
        """What became of each cell."""
        return {key: cell for table in self.tables for key, cell in table.cells.items()}

    def seeds(self, condition: Condition) -> int:
        """Count the seeds under a condition, the most that any method has."""
        return max((mean.seeds for key, mean in self.means.items() if key.condition == condition), default=0)


def reproduce(published: Published, scores: pd.DataFrame, failures: pd.DataFrame) -> Reproduction:
    """Choose the runs that stand beside a published table.

    Args:
        published: the table.
        scores: one line per run and test image, as of a store.
        failures: one line per failed run and test set.

    Raises:
        InputError: there is none, two protocols share a training set or two training sets a row, or scores
            cannot be compared.
    """
    scores, failures = (_chosen(published, lines) for lines in (scores, failures))
    tables = tabulate(scores, failures)
    training = [table.setup.training_images for table in tables]
    if len(set(training)) < len(training):
        found = "; ".join(title(table.setup) for table in tables)
        raise InputError(f"the runs beside {published.title} must share a protocol, but there are: {found}")
    rows = Counter(str(row.condition) for table in tables for row in table.rows)
    if twice := [row for row, count in rows.items() if count > 1]:
        raise InputError(f"runs of {' and '.join(training)} were scored on {twice[0]}; name one of them")
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


def beside(reproduction: Reproduction) -> TextTable:
    """Lay out the published table, with our number and the difference under each published one."""
    published = reproduction.published
    printed = _printed(published)
    why = _Reasons(reproduction)
    rows, numbers = [], []
    for row in published.rows:
        seeds = reproduction.seeds(row)
        lines: list[list[str]] = [[], [], []]
        for method in published.methods:
            psnr, suspect = printed.get(CellKey(*row, method), (math.nan, ""))
            ours = reproduction.means.get(CellKey(*row, method))
            lines[0].append(MISSING if math.isnan(psnr) else f"{psnr:.2f}{SUSPECT if suspect else ''}")
            if ours is not None:
                lines[1].append(with_interval(ours, of_seeds=seeds))
            elif row in why.rows:
                lines[1].append(why.blank(row, method))
            difference = math.nan if ours is None else ours.value - psnr
            lines[2].append("" if math.isnan(difference) else signed(difference))
            numbers.append([*row, method, psnr, suspect, *_facts(ours), difference])
        label, images = row.noise_label, row.images
        if row in why.rows:
            stubs = [[label, images, "published"], ["", "", _ours(seeds)], ["", "", "difference"]]
            rows += [stub + line for stub, line in zip(stubs, lines, strict=True)]
        else:
            rows.append([label, images, f"published {why.blank(row)}", *lines[0]])
    marked = published.cells[published.cells["suspect"] != ""]
    suspects = [
        f"{SUSPECT} suspect: {Condition(*row)}: {why_suspect}."
        for *row, why_suspect in dict.fromkeys(records_of(marked, [*ROW, "suspect"]))
    ]
    return TextTable(
        f"{published.title}: published, ours, difference (PSNR, dB)",
        ["noise", "test set", "", *published.methods],
        rows,
        [MEANING, f"{MISSING}: not published.", *why.notes(), *suspects, *protocols(reproduction)],
        pd.DataFrame(numbers, columns=NUMBERS),
        left=3,
    )


def lacking(reproduction: Reproduction) -> TextTable | None:
    """Lay out the methods and settings that the published table lacks; None where there are none."""
    absent = [method for table in reproduction.tables for method in table.methods]
    methods = [method for method in dict.fromkeys(absent) if method not in reproduction.published.methods]
    if not methods:
        return None
    why = _Reasons(reproduction)
    rows, numbers = [], []
    for table in reproduction.tables:
        for row in table.rows:
            seeds = reproduction.seeds(row.condition)
            ours = {method: reproduction.means.get(CellKey(*row.condition, method)) for method in methods}
            if not any(why.tried(row.condition, method) for method in methods):
                continue
            texts = [
                why.blank(row.condition, name) if mean is None else with_interval(mean, of_seeds=seeds)
                for name, mean in ours.items()
            ]
            rows.append([row.label, row.images, _ours(seeds), *texts])
            numbers += [[*row.condition, name, *_facts(mean)] for name, mean in ours.items() if mean]
    return TextTable(
        f"Methods and settings that {reproduction.published.title} lacks (PSNR, dB)",
        ["noise", "test set", "", *methods],
        rows,
        [MEANING, *why.notes(), *(f"Ours: {title(table.setup)}." for table in reproduction.tables)],
        pd.DataFrame(numbers, columns=[*CELL, "psnr", "half_width", "n_images", "n_seeds"]),
        left=3,
    )


def protocols(reproduction: Reproduction) -> Iterable[str]:
    """Say how our numbers came about, one sentence or more per line."""
    for table in reproduction.tables:
        yield f"Ours: {title(table.setup)}."
        yield from protocol_notes(table)


def with_interval(mean: Mean, *, of_seeds: int) -> str:
    """Write a mean with its half-width, and the number of seeds where others have more."""
    seeds = f" ({plural(mean.seeds, 'seed')})" if mean.seeds < of_seeds else ""
    interval = "" if math.isnan(mean.half_width) else f" ±{mean.half_width:.2f}"
    return f"{mean.value:.2f}{interval}{seeds}"


def _ours(seeds: int) -> str:
    return f"ours, {plural(seeds, 'seed')}"


def _printed(published: Published) -> dict[CellKey, tuple[float, str]]:
    """Return the published PSNR of each cell, and what is suspect about it."""
    lines = records_of(published.cells, [*CELL, "psnr", "suspect"])
    return {CellKey(*key): (psnr, suspect) for *key, psnr, suspect in lines}


def _facts(mean: Mean | None) -> list[Any]:
    return [math.nan] * 4 if mean is None else [mean.value, mean.half_width, mean.images, mean.seeds]


class _Reasons:
    """Says of each blank cell why it is blank, by a letter that a note explains."""

    def __init__(self, reproduction: Reproduction) -> None:
        self.cells = reproduction.cells
        self.rows = {key.condition for key in self.cells}
        self.entries = listings()
        self.letters: dict[str, str] = {}

    def blank(self, row: Condition, method: str | None = None) -> str:
        """Give the text of a blank cell, or of a blank row."""
        letter = chr(ord("a") + len(self.letters))
        return f"({self.letters.setdefault(self._reason(row, method), letter)})"

    def tried(self, row: Condition, method: str) -> bool:
        """Tell whether a cell was scored or failed."""
        cell = self.cells.get(CellKey(*row, method))
        return cell is not None and cell.status != "missing"

    def notes(self) -> list[str]:
        """Explain the letters that were given."""
        return [f"({letter}) {reason}." for reason, letter in self.letters.items()]

    def _reason(self, row: Condition, method: str | None) -> str:
        if method is not None:
            cell = self.cells.get(CellKey(*row, method))
            if cell is not None and cell.status == "failed":
                return f"failed: {' '.join(cell.error.split())}"
            if method.split(":", maxsplit=1)[0].removesuffix(" (blind)") not in self.entries:
                return "the benchmark has no entry of this name"
        if row.images not in {tried.images for tried in self.rows}:
            return "no run of this reference was scored on this test set"
        return "not among the runs of this reference"


def shortfalls(reproduction: Reproduction, *, within: float) -> TextTable:
    """List the published numbers, suspect ones apart, that ours do not come near.

    Args:
        reproduction: our numbers beside the published ones.
        within: how far below the published number ours may lie, dB.
    """
    numbers = beside(reproduction).numbers
    compared = numbers[numbers["difference"].notna() & (numbers["suspect"] == "")]
    short = compared[compared["difference"] < -within].sort_values("difference")[
        [*CELL, "published", "psnr", "difference"]
    ]
    rows = [
        [Condition(*row).noise_label, row[2], method, f"{printed:.2f}", f"{ours:.2f}", signed(difference)]
        for *row, method, printed, ours, difference in short.itertuples(index=False)
    ]
    return TextTable(
        f"More than {within:g} dB below the published number: {len(short)} of {len(compared)}",
        ["noise", "test set", "method", "published", "ours", "difference"],
        rows or [["none", *[""] * 5]],
        ["Suspect numbers, and cells that one of the two lacks, are left out."],
        short,
        left=3,
    )
