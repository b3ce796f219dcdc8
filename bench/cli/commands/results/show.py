"""The command ``noisebench show``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bench.analysis.columns import METRICS
from bench.analysis.means import mean_of
from bench.cli.console import open_console, print_grid
from bench.output.markup import format_number
from bench.store.checksums import CHECKSUM, FILES, read_record
from bench.store.layout import SCORES
from bench.store.scores import read_table
from bench.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from bench.cli.options.results import ShowOptions

HIDDEN = ("columns", FILES, CHECKSUM)
MEANS = ["noisy_psnr", "psnr", "noisy_ssim", "ssim", "lpips", "seconds"]
COLUMNS = ["images", "image", *MEANS]


def show(options: ShowOptions) -> None:
    """Print the record of a run and the scores of each image, with their means and 95 % intervals."""
    folder = Store(options.runs).find(options.run)
    record = read_record(folder)
    console = open_console()
    console.print_json(data={name: value for name, value in record.to_json().items() if name not in HIDDEN})
    rows = _rows(read_table(folder, SCORES, record))
    print_grid(console, f"scores of {folder.name}", COLUMNS, rows)


def _rows(scores: pd.DataFrame) -> list[list[str]]:
    rows = [[_format(value) for value in row] for row in scores[COLUMNS].itertuples(index=False)]
    for (name, _), part in scores.groupby(["images", "parameter"], sort=False):
        # The mean over some of the images is not that of the set.
        means = part[MEANS].mean(skipna=False)
        rows.append([str(name), "mean", *map(_format, means)])
        widths = {one: mean_of(part, one).half_width for one in METRICS if math.isfinite(means[one])}
        rows.append([str(name), "± (95 %)", *(_format(widths.get(column)) for column in MEANS)])
    return rows


def _format(value: Any) -> str:
    return value if isinstance(value, str) else format_number(value, ".4f")
