"""The command ``noisebench show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.cli.console import open_console, print_grid
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
    """Print the record of a run and the scores of each image, with their means."""
    folder = Store(options.runs).find(options.run)
    record = read_record(folder)
    console = open_console()
    console.print_json(data={name: value for name, value in record.to_json().items() if name not in HIDDEN})
    rows = _rows(read_table(folder, SCORES, record)[COLUMNS])
    print_grid(console, f"scores of {folder.name}", COLUMNS, rows)


def _rows(scores: pd.DataFrame) -> list[list[str]]:
    rows = [[_format(value) for value in row] for row in scores.itertuples(index=False)]
    for name, part in scores.groupby("images", sort=False):
        rows.append([str(name), "mean", *(_format(value) for value in part[MEANS].mean())])
    return rows


def _format(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4f}"
