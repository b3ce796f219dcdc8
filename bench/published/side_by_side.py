"""Tables that compare a published table with our numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.analysis.columns import CELL, ROW, CellKey, Condition, noise_label
from bench.analysis.grouping import records_of
from bench.output.markup import MISSING, Span, plural, signed
from bench.output.text_table import TextTable
from bench.published.blank_cells import BlankCells
from bench.tables.caption import bold_note, protocol_notes, title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.analysis.means import Mean
    from bench.output.markup import CellText
    from bench.published.reproduction import Reproduction
    from bench.published.table import Published

SUSPECT = "†"
REPRODUCTION_NOTE = (
    "±: half-width of the 95 % interval of the mean, PSNR in dB, over the images of the test set and the "
    "training seeds as crossed random effects (Satterthwaite); with one seed, over the images alone."
)
OURS = ["psnr", "half_width", "n_images", "n_seeds"]


def side_by_side_table(reproduction: Reproduction) -> TextTable:
    """Make the published table, with our number and the difference below each published one."""
    published = reproduction.published
    blanks = BlankCells(reproduction)
    numbers = side_by_side_numbers(reproduction)
    rows = []
    for condition, lines in zip(published.rows, _rows_of(numbers, published), strict=True):
        rows += _block(condition, lines, reproduction, blanks)
    return TextTable(
        f"{published.title}: published, ours, difference (PSNR, dB)",
        ["noise", "test set", "", *published.methods],
        rows,
        [
            REPRODUCTION_NOTE,
            *_bold_notes(reproduction),
            f"{MISSING}: not published.",
            *blanks.notes(),
            *_suspects(published),
            *_protocols(reproduction),
        ],
        numbers,
        left=3,
    )


def side_by_side_numbers(reproduction: Reproduction) -> pd.DataFrame:
    """Collect the published number, ours and the difference, one line per cell of the published table.

    Returns:
        The columns ``CELL``, published (dB), suspect, ``OURS`` and difference (ours minus published, dB); NaN
        if one of the two is missing.
    """
    published = reproduction.published
    records = records_of(published.cells, [*CELL, "psnr", "suspect"])
    printed = {CellKey(*key): (psnr, suspect) for *key, psnr, suspect in records}
    lines = []
    for condition in published.rows:
        for method in published.methods:
            key = CellKey(*condition, method)
            psnr, suspect = printed.get(key, (math.nan, ""))
            ours = reproduction.means.get(key)
            difference = math.nan if ours is None else ours.value - psnr
            lines.append([*key, psnr, suspect, *_numbers(ours), difference])
    return pd.DataFrame(lines, columns=[*CELL, "published", "suspect", *OURS, "difference"])


def _rows_of(numbers: pd.DataFrame, published: Published) -> Iterable[pd.DataFrame]:
    count = len(published.methods)
    return (numbers.iloc[start : start + count] for start in range(0, len(numbers), count))


def _block(
    condition: Condition, numbers: pd.DataFrame, reproduction: Reproduction, blanks: BlankCells
) -> list[list[CellText]]:
    """Format one noise and test set: three lines if we ran it, else one."""
    lines: list[Any] = list(numbers.itertuples())
    printed = [_printed(line.published, line.suspect) for line in lines]
    label, images = condition.noise_label, condition.images
    if condition not in blanks.conditions:
        return [[label, images, f"published {blanks.mark(condition)}", *printed]]
    means = [reproduction.means.get(CellKey(*condition, line.method)) for line in lines]
    seeds = reproduction.seeds(condition)
    ours = [
        _our_mean(CellKey(*condition, line.method), mean, seeds, reproduction, blanks)
        for line, mean in zip(lines, means, strict=True)
    ]
    differences = ["" if math.isnan(line.difference) else signed(line.difference) for line in lines]
    return [
        [label, images, "published", *printed],
        ["", "", _ours(seeds), *ours],
        ["", "", "difference", *differences],
    ]


def _printed(psnr: float, suspect: str) -> str:
    return MISSING if math.isnan(psnr) else f"{psnr:.2f}{SUSPECT if suspect else ''}"


def _suspects(published: Published) -> list[str]:
    marked = published.cells[published.cells["suspect"] != ""]
    reasons = dict.fromkeys(records_of(marked, [*ROW, "suspect"]))
    return [f"{SUSPECT} suspect: {Condition(*row)}: {reason}." for *row, reason in reasons]


def _protocols(reproduction: Reproduction) -> Iterable[str]:
    """Describe how our numbers were computed, one or more sentences per line."""
    for table in reproduction.tables:
        yield f"Ours: {title(table.setup)}."
        yield from protocol_notes(table)


def unpublished_table(reproduction: Reproduction) -> TextTable | None:
    """Make the table of methods and settings that are not in the published table; None if there are none."""
    found = [method for table in reproduction.tables for method in table.methods]
    methods = [method for method in dict.fromkeys(found) if method not in reproduction.published.methods]
    if not methods:
        return None
    blanks = BlankCells(reproduction)
    rows, numbers = [], []
    for row in (row for table in reproduction.tables for row in table.rows):
        keys = [CellKey(*row.condition, method) for method in methods]
        if any(map(blanks.was_tried, keys)):
            means = {key: reproduction.means.get(key) for key in keys}
            rows.append(_unpublished_row(row.condition, means, reproduction, blanks))
            numbers += [[*key, *_numbers(mean)] for key, mean in means.items() if mean]
    return TextTable(
        f"Methods and settings that are not in {reproduction.published.title} (PSNR, dB)",
        ["noise", "test set", "", *methods],
        rows,
        [
            REPRODUCTION_NOTE,
            *_bold_notes(reproduction),
            *blanks.notes(),
            *(f"Ours: {title(table.setup)}." for table in reproduction.tables),
        ],
        pd.DataFrame(numbers, columns=[*CELL, *OURS]),
        left=3,
    )


def _unpublished_row(
    condition: Condition, means: dict[CellKey, Mean | None], reproduction: Reproduction, blanks: BlankCells
) -> list[CellText]:
    seeds = reproduction.seeds(condition)
    texts = (_our_mean(key, mean, seeds, reproduction, blanks) for key, mean in means.items())
    return [condition.noise_label, condition.images, _ours(seeds), *texts]


def _our_mean(
    key: CellKey, mean: Mean | None, seeds: int, reproduction: Reproduction, blanks: BlankCells
) -> CellText:
    """Format our number, bold as in the score table, or the letter of the reason why it is blank."""
    if mean is None:
        return blanks.mark(key.condition, key.method)
    text = format_mean(mean, of_seeds=seeds)
    return (Span(text, "bold"),) if "psnr" in reproduction.cells[key].best else text


def _bold_notes(reproduction: Reproduction) -> list[str]:
    notes = dict.fromkeys(map(bold_note, reproduction.tables))
    return [f"{note} Methods in other tables of this reference compete too." for note in notes]


def gaps_table(reproduction: Reproduction, *, within: float) -> TextTable:
    """List the published numbers, except suspect ones, that ours do not reach.

    Args:
        reproduction: our numbers and the published ones.
        within: dB by which ours may be below the published number.
    """
    numbers = side_by_side_numbers(reproduction)
    compared = numbers[numbers["difference"].notna() & (numbers["suspect"] == "")]
    below = compared[compared["difference"] < -within].sort_values("difference")
    below = below[[*CELL, "published", "psnr", "difference"]]
    rows = [
        [noise_label(noise, parameter), images, method, f"{printed:.2f}", f"{ours:.2f}", signed(difference)]
        for noise, parameter, images, method, printed, ours, difference in below.itertuples(index=False)
    ]
    return TextTable(
        f"More than {within:g} dB below the published number: {len(below)} of {len(compared)}",
        ["noise", "test set", "method", "published", "ours", "difference"],
        rows or [["none", *[""] * 5]],
        ["Suspect numbers, and cells without a number of either, are left out."],
        below,
        left=3,
    )


def format_mean(mean: Mean, *, of_seeds: int) -> str:
    """Format a mean with its half-width, and its number of seeds if others have more."""
    seeds = f" ({plural(mean.seeds, 'seed')})" if mean.seeds < of_seeds else ""
    interval = "" if math.isnan(mean.half_width) else f" ±{mean.half_width:.2f}"
    return f"{mean.value:.2f}{interval}{seeds}"


def _ours(seeds: int) -> str:
    return f"ours, {plural(seeds, 'seed')}"


def _numbers(mean: Mean | None) -> list[float]:
    return [math.nan] * len(OURS) if mean is None else [mean.value, mean.half_width, mean.images, mean.seeds]
