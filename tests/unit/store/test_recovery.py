"""Recovery: damaged runs are set aside, never averaged, and interrupted changes are completed or undone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from bench.store.checksums import (
    NEXT,
    RECORD,
    DamagedRunError,
    checksums,
    read_record,
)
from bench.store.layout import CHECKPOINT, DAMAGED, SCORES, WEIGHTS
from bench.store.recovery import set_aside_damaged

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.runs import Tiny


def test_a_damaged_run_is_set_aside_and_the_others_count(tiny: Tiny) -> None:
    tiny.launch(seeds=(0, 1))
    store = tiny.context.store
    sound, broken = store.keys()
    path = store.root / broken / SCORES
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedRunError, match=str(path)):
        store.scores()
    (listed,) = set_aside_damaged(store.root)
    assert listed.startswith(f"{path} is damaged")
    assert store.keys() == [sound]
    assert set(store.scores()["key"]) == {sound}
    (kept,) = (store.root / DAMAGED).glob(f"*/{broken}/{WEIGHTS}")
    assert str(kept.parent.parent) in listed
    assert set_aside_damaged(store.root) == []
    assert sorted(tiny.launch(seeds=(0, 1))) == ["stored", "trained"]


def test_a_run_without_its_record_is_set_aside(tiny: Tiny, run: Path) -> None:
    (run / RECORD).unlink()
    assert tiny.context.store.keys() == [run.name]
    (listed,) = set_aside_damaged(tiny.context.store.root)
    assert listed.startswith(f"{run / RECORD} is missing")
    assert tiny.context.store.keys() == []


def test_a_failed_run_that_is_damaged_is_set_aside(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.runs.fit.train", lambda *_, **__: 1 / 0)
    tiny.launch()
    (path,) = tiny.context.store.root.glob(f"failed/*/{RECORD}")
    path.write_text("{")
    with pytest.raises(DamagedRunError, match=str(path)):
        tiny.context.store.failures()
    assert len(set_aside_damaged(tiny.context.store.root)) == 1
    assert tiny.context.store.failures().empty


def test_a_run_that_another_process_works_on_is_left_as_it_is(tiny: Tiny, run: Path) -> None:
    (run / SCORES).unlink()
    with tiny.context.store.lock(run.name):
        assert set_aside_damaged(tiny.context.store.root) == []
    assert len(set_aside_damaged(tiny.context.store.root)) == 1


def test_other_folders_in_a_store_are_left_as_they_are(tiny: Tiny, run: Path) -> None:
    for name in ("tables", "report", "collected"):
        (run.parent / name).mkdir()
        (run.parent / name / SCORES).write_bytes(b"")
    assert tiny.context.store.keys() == [run.name]
    assert set_aside_damaged(tiny.context.store.root) == []


def further(run: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the run's scores under another parameter, and their part of the record."""
    rows = pd.read_parquet(run / SCORES).assign(parameter=50.0)
    return rows, {"gaussian:50": read_record(run).evaluation["gaussian:25"]}


@pytest.mark.parametrize(
    "moment", ["before the record is written", "after the record is written", "half moved"]
)
def test_a_crash_while_scores_are_added_leaves_the_run_complete(
    tiny: Tiny, run: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    store = tiny.context.store
    rows, evaluated = further(run)
    following = store.begin_extension(run.name)
    (following / "pictures").mkdir()
    (following / "pictures" / "more.png").write_bytes(b"an image")

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    if moment == "before the record is written":
        monkeypatch.setattr("bench.store.store.write_record", crash)
    elif moment == "after the record is written":
        monkeypatch.setattr("bench.store.store.move_next", crash)
    else:
        moves = iter([shutil.move, crash])

        def move(source: Path, target: Path) -> None:
            next(moves)(source, target)

        monkeypatch.setattr("bench.store.recovery.move_durably", move)
    with pytest.raises(KeyboardInterrupt):
        store.extend(run.name, rows, evaluated)
    monkeypatch.undo()
    listed = moment != "before the record is written"
    parameters = {25.0, 50.0} if listed else {25.0}
    assert set(store.scores()["parameter"]) == parameters
    assert set_aside_damaged(store.root) == []
    assert not (run / NEXT).exists()
    assert set(store.scores()["parameter"]) == parameters
    assert (run / "pictures" / "more.png").is_file() == listed
    assert set(checksums(run)) - {RECORD} == set(read_record(run).files)


def test_a_checkpoint_left_in_a_finished_run_is_removed(tiny: Tiny, run: Path) -> None:
    (run / CHECKPOINT).write_bytes(b"left by a crash")
    assert set_aside_damaged(tiny.context.store.root) == []
    assert not (run / CHECKPOINT).exists()
