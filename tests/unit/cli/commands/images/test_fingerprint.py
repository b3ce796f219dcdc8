"""``noisebench fingerprint``."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from bench.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


def test_fingerprint_writes_a_line_per_image(folders: Path) -> None:
    main(["fingerprint", "train", "--out", "train.csv"])
    with (folders / "train.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["0.png", "1.png", "2.png"]
    assert len({row["sha256"] for row in rows}) == 3
