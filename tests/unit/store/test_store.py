"""The store: complete folders or none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.errors import InputError
from bench.store.archive import pack
from bench.store.checksums import RECORD, check_folder, checksums
from bench.store.layout import CHECKPOINT, FAILED, IMAGES, LOG, PARTIAL
from bench.store.recovery import set_aside_damaged
from bench.store.store import Store
from bench.system import files as durable
from bench.system.files import StorageError
from tests.support.results.records import write_made_up
from tests.support.results.stored import COMMON, store_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.store.archive import Archive


def extended(store: Store) -> Archive:
    """Score a run on a further set."""
    folder = store.begin_extension("key")
    (folder / "more.png").write_text("an image")
    store.extend("key", pd.DataFrame([COMMON | {"key": "key", "finished": "1", "images": 1, "image": 1}]), {})
    return pack(store.root / "key")


def test_a_run_appears_when_it_is_complete(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with store.writing("key") as folder:
        write_made_up(folder)
        assert "key" not in store
        assert store.keys() == []
    assert "key" in store
    assert store.keys() == ["key"]


def test_an_error_moves_the_run_to_the_failed_ones(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for attempt in ("first", "second"):
        with pytest.raises(RuntimeError, match=attempt), store.writing("key") as folder:
            (folder / "log.jsonl").write_text(attempt)
            write_made_up(folder)
            raise RuntimeError(attempt)
    assert "key" not in store
    assert (tmp_path / "failed" / "key" / "log.jsonl").read_text() == "second"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, StorageError])
def test_an_interrupt_keeps_the_checkpoint_for_the_next_attempt(
    tmp_path: Path, kind: type[BaseException]
) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(kind), store.writing("key") as folder:
        (folder / CHECKPOINT).write_text("so far")
        raise kind
    assert store.keys() == []
    assert not (tmp_path / FAILED).exists()
    with store.writing("key") as folder:
        assert (folder / CHECKPOINT).read_text() == "so far"
        write_made_up(folder)
    assert [path.name for path in (tmp_path / "key").iterdir()] == [RECORD]


def test_a_success_removes_the_earlier_failure(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(RuntimeError), store.writing("key") as folder:
        write_made_up(folder)
        raise RuntimeError
    assert (tmp_path / FAILED / "key").is_dir()
    store_run(store, "key", finished="1")
    assert list((tmp_path / "failed").iterdir()) == []


def test_a_run_of_another_store_is_adopted_unchanged(tmp_path: Path) -> None:
    theirs, ours = Store.open(tmp_path / "theirs"), Store.open(tmp_path / "ours")
    store_run(theirs, "key", finished="1")
    archive = pack(theirs.root / "key")
    partial = ours.begin("key")
    for name in (CHECKPOINT, LOG, f"{IMAGES}/old.png"):
        (partial / name).parent.mkdir(exist_ok=True)
        (partial / name).write_text("of an earlier attempt")
    ours.adopt("key", archive)
    assert checksums(ours.root / "key") == checksums(theirs.root / "key")
    check_folder(ours.root / "key")
    assert list((ours.root / PARTIAL).iterdir()) == []


def test_an_adopted_failure_stays_apart_until_a_success(tmp_path: Path) -> None:
    theirs, ours = Store.open(tmp_path / "theirs"), Store.open(tmp_path / "ours")
    with pytest.raises(RuntimeError), theirs.writing("key") as folder:
        write_made_up(folder, error="it exploded")
        raise RuntimeError
    ours.adopt("key", pack(theirs.root / FAILED / "key"))
    assert ours.keys() == []
    assert (ours.root / FAILED / "key" / RECORD).is_file()
    store_run(theirs, "key", finished="1")
    ours.adopt("key", pack(theirs.root / "key"))
    assert ours.keys() == ["key"]
    assert list((ours.root / FAILED).iterdir()) == []


def test_a_changed_test_set_replaces_all_of_its_scores(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store_run(store, "key", finished="1")
    for image in (1, 2):
        store.begin_extension("key")
        store.extend("key", pd.DataFrame([COMMON | {"key": "key", "finished": "1", "image": image}]), {})
    assert list(store.scores()["image"]) == [2]


def test_an_extended_run_replaces_the_earlier_one(tmp_path: Path) -> None:
    theirs, ours = Store.open(tmp_path / "theirs"), Store.open(tmp_path / "ours")
    for store in (theirs, ours):
        store_run(store, "key", finished="1")
    ours.adopt("key", extended(theirs))
    assert checksums(ours.root / "key") == checksums(theirs.root / "key")
    assert list(ours.scores()["image"]) == [0, 1]
    assert list((ours.root / PARTIAL).iterdir()) == []


def test_an_interrupted_adoption_leaves_the_old_run_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = Store.open(tmp_path / "theirs")
    store_run(theirs, "key", finished="1")
    before = checksums(theirs.root / "key")
    archive = extended(theirs)
    after = checksums(theirs.root / "key")
    real = durable.flush_folder
    found = []
    for last in range(100):
        ours = Store.open(tmp_path / f"ours-{last}")
        store_run(ours, "key", finished="1")
        flushes = iter(range(last))

        def cut(folder: Path, flushes: Iterator[int] = flushes) -> None:
            real(folder)
            if next(flushes, None) is None:
                raise KeyboardInterrupt

        monkeypatch.setattr(durable, "flush_folder", cut)
        try:
            ours.adopt("key", archive)
        except KeyboardInterrupt:
            monkeypatch.undo()
            assert set_aside_damaged(ours.root) == []
            found.append(checksums(ours.root / "key"))
        else:
            break
    assert [state for state in found if state not in (before, after)] == []
    assert found[0] == before
    assert found[-1] == after


@pytest.mark.skipif(os.name == "nt", reason="folders have no write bit there")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write to .*file"):
        Store.open(tmp_path / "file")
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(InputError, match="Permission denied"):
            Store.open(tmp_path / "runs")
