"""What is committed in tables/ and reports/: no number that the code would not write from the scores."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.page import PAGE, write_page
from bench.published import open_published

ROOT = Path(__file__).parents[1]
WRITTEN = sorted(page.parent for page in (ROOT / "tables").glob(f"*/{PAGE}"))


@pytest.mark.parametrize("folder", WRITTEN, ids=lambda folder: folder.name)
def test_every_table_is_written_from_the_reports_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    files = write_page(open_published(folder), reports=ROOT / "reports", out=tmp_path)
    texts = [file for file in files if file.suffix in (".md", ".csv", ".tex")]
    assert {file.name for file in texts} >= {PAGE}
    for file in texts:
        assert file.read_bytes() == (folder / file.name).read_bytes(), file.name
