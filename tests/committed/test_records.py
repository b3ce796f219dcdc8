"""Records of the committed runs: they are read into types, and written again byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.store.checksums import read_object, write_json
from bench.store.record import RunRecord
from tests.support.repository import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PATHS = sorted((ROOT / "reports").glob("*/runs/*.json"))


def test_every_record_is_written_as_it_was_read(tmp_path: Path) -> None:
    assert len(PATHS) >= 175
    for path in PATHS:
        write_json(RunRecord.from_json(read_object(path)).to_json(), tmp_path / path.name)
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path
