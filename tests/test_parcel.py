"""A run that was done elsewhere is taken into a store as it was sealed there, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.parcel import Parcel, pack
from bench.seal import FACTS, DamagedRunError, check_folder
from bench.store import CHECKPOINT, FAILED, PARTIAL, WEIGHTS, Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers import Tiny


@pytest.fixture
def elsewhere(tiny: Tiny, tmp_path: Path) -> tuple[str, Parcel]:
    there = replace(tiny, bench=replace(tiny.bench, store=Store.open(tmp_path / "elsewhere")))
    assert there.launch() == ["trained"]
    (key,) = there.bench.store.keys()
    return key, pack(there.bench.store.root / key)


def test_a_run_is_taken_in_to_the_last_bit(tiny: Tiny, elsewhere: tuple[str, Parcel]) -> None:
    key, parcel = elsewhere
    store = tiny.bench.store
    (store.begin(key) / CHECKPOINT).write_bytes(b"of an earlier sitting")
    (store.begin(key) / "rest").write_bytes(b"of an earlier sitting")
    store.adopt(key, parcel)
    check_folder(store.root / key)
    assert pack(store.root / key) == parcel
    assert {path.name for path in (store.root / key).iterdir()} == {name.split("/")[0] for name in parcel}
    assert tiny.launch() == ["stored"]


def test_one_that_was_damaged_on_its_way_is_not(tiny: Tiny, elsewhere: tuple[str, Parcel]) -> None:
    key, parcel = elsewhere
    store = tiny.bench.store
    damaged = parcel[WEIGHTS][:-1] + bytes([parcel[WEIGHTS][-1] ^ 1])
    for bad in (parcel | {WEIGHTS: damaged}, {name: parcel[name] for name in parcel if name != WEIGHTS}):
        with pytest.raises(DamagedRunError, match=WEIGHTS):
            store.adopt(key, bad)
    with pytest.raises(DamagedRunError, match="leads out"):
        store.adopt(key, parcel | {"../out": b""})
    assert not (store.root / PARTIAL / "out").exists()
    assert store.keys() == []
    store.adopt(key, parcel)
    assert store.keys() == [key]


def test_a_failed_one_is_among_the_failed(tiny: Tiny, tmp_path: Path) -> None:
    there = replace(tiny, bench=replace(tiny.bench, store=Store.open(tmp_path / "elsewhere")))
    there.launch(learning_rate=1e30)
    (folder,) = (there.bench.store.root / FAILED).iterdir()
    tiny.bench.store.adopt(folder.name, pack(folder))
    assert (tiny.bench.store.root / FAILED / folder.name / FACTS).is_file()
    assert tiny.bench.store.keys() == []
