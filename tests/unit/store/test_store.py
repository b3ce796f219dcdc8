"""The store: whole folders or none."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.errors import InputError
from bench.store.archive import pack
from bench.store.checksums import RECORD, DamagedRunError, check_folder, checksums
from bench.store.layout import CHECKPOINT, CURVE, FAILED, LOG, PARTIAL, SCORES
from bench.store.recovery import set_aside_damaged
from bench.store.scores import IDENTITY, SETTINGS
from bench.store.store import Store
from bench.system import files as durable
from bench.system.files import StorageError
from tests.support.records import write_made_up

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.store.archive import Archive

COMMON = dict.fromkeys(IDENTITY, 0)


def keep(store: Store, key: str, **columns: object) -> None:
    with store.writing(key) as folder:
        pd.DataFrame([COMMON | {"key": key} | columns]).to_parquet(folder / SCORES)
        write_made_up(folder)


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with store.writing("key") as folder:
        write_made_up(folder)
        assert "key" not in store
        assert store.keys() == []
    assert "key" in store
    assert store.keys() == ["key"]


def test_an_error_moves_what_was_written_among_the_failed(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for attempt in ("first", "second"):
        with pytest.raises(RuntimeError, match=attempt), store.writing("key") as folder:
            (folder / "log.jsonl").write_text(attempt)
            write_made_up(folder)
            raise RuntimeError(attempt)
    assert "key" not in store
    assert (tmp_path / "failed" / "key" / "log.jsonl").read_text() == "second"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, StorageError])
def test_an_interrupt_leaves_what_there_is_for_the_next_attempt(
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


def test_a_success_clears_the_failure_before(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with pytest.raises(RuntimeError), store.writing("key") as folder:
        write_made_up(folder)
        raise RuntimeError
    assert (tmp_path / FAILED / "key").is_dir()
    keep(store, "key", finished="1")
    assert list((tmp_path / "failed").iterdir()) == []


def test_a_run_of_another_store_is_adopted_as_it_was_sealed(tmp_path: Path) -> None:
    theirs, ours = Store.open(tmp_path / "theirs"), Store.open(tmp_path / "ours")
    keep(theirs, "key", finished="1")
    archive = pack(theirs.root / "key")
    partial = ours.begin("key")
    for name in (CHECKPOINT, LOG, "pictures/old.png"):
        (partial / name).parent.mkdir(exist_ok=True)
        (partial / name).write_text("of an earlier attempt")
    ours.adopt("key", archive)
    assert checksums(ours.root / "key") == checksums(theirs.root / "key")
    check_folder(ours.root / "key")
    assert list((ours.root / PARTIAL).iterdir()) == []


def test_an_adopted_failure_is_kept_apart_until_a_success(tmp_path: Path) -> None:
    theirs, ours = Store.open(tmp_path / "theirs"), Store.open(tmp_path / "ours")
    with pytest.raises(RuntimeError), theirs.writing("key") as folder:
        write_made_up(folder, error="it exploded")
        raise RuntimeError
    ours.adopt("key", pack(theirs.root / FAILED / "key"))
    assert ours.keys() == []
    assert (ours.root / FAILED / "key" / RECORD).is_file()
    keep(theirs, "key", finished="1")
    ours.adopt("key", pack(theirs.root / "key"))
    assert ours.keys() == ["key"]
    assert list((ours.root / FAILED).iterdir()) == []


def extended(store: Store) -> Archive:
    """Score a run on a further set."""
    folder = store.begin_extension("key")
    (folder / "more.png").write_text("a picture")
    store.extend("key", pd.DataFrame([COMMON | {"key": "key", "finished": "1", "images": 1, "image": 1}]), {})
    return pack(store.root / "key")


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ({"started": "11:00", "failed": "12:30"}, True),
        ({"started": "11:00", "failed": "11:30"}, False),
        ({"started": "12:30"}, True),
        ({"started": "11:00"}, False),
    ],
)
def test_a_failure_counts_by_when_it_came(tmp_path: Path, times: dict[str, str], told: bool) -> None:
    store = Store.open(tmp_path)
    moments = {name: f"2026-01-01T{time}:00+00:00" for name, time in times.items()}
    with pytest.raises(RuntimeError), store.writing("key") as folder:
        write_made_up(folder, error="it diverged", **moments)
        raise RuntimeError
    found = store.error_since("key", datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert found == ("it diverged" if told else None)


def test_a_superseded_run_lends_no_test_set_to_the_newer_one(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    keep(store, "old", finished="1")
    store.begin_extension("old")
    store.extend("old", pd.DataFrame([COMMON | {"key": "old", "finished": "1", "images": 1}]), {})
    assert list(store.scores()["images"]) == [0, 1]
    keep(store, "new", finished="2")
    assert list(store.scores()["key"]) == ["new"]


def test_a_set_that_has_changed_is_scored_anew_and_whole(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    keep(store, "key", finished="1")
    for image in (1, 2):
        store.begin_extension("key")
        store.extend("key", pd.DataFrame([COMMON | {"key": "key", "finished": "1", "image": image}]), {})
    assert list(store.scores()["image"]) == [2]


def test_an_extended_run_is_adopted_over_the_one_before(tmp_path: Path) -> None:
    theirs, ours = Store.open(tmp_path / "theirs"), Store.open(tmp_path / "ours")
    for store in (theirs, ours):
        keep(store, "key", finished="1")
    ours.adopt("key", extended(theirs))
    assert checksums(ours.root / "key") == checksums(theirs.root / "key")
    assert list(ours.scores()["image"]) == [0, 1]
    assert list((ours.root / PARTIAL).iterdir()) == []


def test_an_adoption_that_is_cut_short_leaves_the_run_as_it_was_or_shall_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = Store.open(tmp_path / "theirs")
    keep(theirs, "key", finished="1")
    before = checksums(theirs.root / "key")
    archive = extended(theirs)
    after = checksums(theirs.root / "key")
    real = durable.flush_folder
    found = []
    for last in range(100):
        ours = Store.open(tmp_path / f"ours-{last}")
        keep(ours, "key", finished="1")
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


@pytest.mark.parametrize(
    ("name", "said"), [(SCORES, "its sha256 is not the one"), ("../out", "leads out of it")]
)
def test_a_archive_that_is_not_as_it_was_sealed_is_refused(tmp_path: Path, name: str, said: str) -> None:
    theirs, ours = Store.open(tmp_path / "theirs"), Store.open(tmp_path / "ours")
    keep(theirs, "key", finished="1")
    with pytest.raises(DamagedRunError, match=said):
        ours.adopt("key", pack(theirs.root / "key") | {name: b"something else"})
    assert ours.keys() == []
    assert not (ours.root / PARTIAL / "out").exists()


def test_a_superseded_run_is_left_out(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    keep(store, "a", finished="2026-01-02", psnr=2)
    keep(store, "b", finished="2026-01-01", psnr=1)
    keep(store, "c", finished="2026-01-01", psnr=3, seed=1)
    assert sorted(store.scores()["psnr"]) == [2, 3]
    assert list(store.scores(["b"])["psnr"]) == [1]


def test_of_curves_too_the_latest_counts(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    assert store.curves().empty
    # The superseded run comes last by name, and was looked at after a step that the later one was not.
    for key, finished, rows in (("a", "2026-01-02", {1: 10, 4: 40}), ("b", "2026-01-01", {2: 0, 4: 0})):
        with store.writing(key) as folder:
            common = dict.fromkeys(SETTINGS, 0) | {"key": key}
            curve = [common | {"step": step, "psnr": psnr} for step, psnr in rows.items()]
            pd.DataFrame(curve).to_parquet(folder / CURVE)
            write_made_up(folder, columns={"finished": finished})
    keep(store, "without a curve", finished="2026-01-03")
    curves = store.curves()
    assert dict(zip(curves["step"], curves["psnr"], strict=True)) == {1: 10, 4: 40}


def test_a_run_is_found_by_key_prefix_and_folder(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for key in ("abc1", "abd2"):
        keep(store, key, finished="1")
    assert store.find("abc") == tmp_path / "abc1"
    assert store.find(str(tmp_path / "abd2")) == tmp_path / "abd2"
    with pytest.raises(InputError, match="'ab' could be any of abc1, abd2"):
        store.find("ab")
    with pytest.raises(InputError, match=r"unknown run .*'abx1'; did you mean 'abc1'"):
        store.find("abx1")


@pytest.mark.skipif(os.name == "nt", reason="folders have no write bit there")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write to .*file"):
        Store.open(tmp_path / "file")
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(InputError, match="Permission denied"):
            Store.open(tmp_path / "runs")


@pytest.mark.skipif(os.name == "nt", reason="Windows has locks of another kind")
def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def flock(file: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StorageError, match="no locks"), Store.open(tmp_path).lock("abc"):
        pass
