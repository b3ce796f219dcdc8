"""Archives that are not as they were packed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.store.archive import pack
from bench.store.checksums import DamagedRunError
from bench.store.layout import PARTIAL, SCORES
from bench.store.store import Store
from tests.support.results.stored import store_run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "said"), [(SCORES, "its sha256 is not the one"), ("../out", "leads out of it")]
)
def test_a_changed_archive_is_refused(tmp_path: Path, name: str, said: str) -> None:
    theirs, ours = Store.open(tmp_path / "theirs"), Store.open(tmp_path / "ours")
    store_run(theirs, "key", finished="1")
    with pytest.raises(DamagedRunError, match=said):
        ours.adopt("key", pack(theirs.root / "key") | {name: b"something else"})
    assert ours.keys() == []
    assert not (ours.root / PARTIAL / "out").exists()
