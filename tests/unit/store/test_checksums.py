"""Checksums and the store: a run that is not as it was stored is named and set aside, never averaged."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from bench.runs.load import load_run
from bench.store.checksums import (
    NEXT,
    RECORD,
    DamagedRunError,
    add_checksums,
    check_folder,
    checksums,
    read_record,
)
from bench.store.layout import CHECKPOINT, DAMAGED, SCORES, WEIGHTS
from bench.store.recovery import set_aside_damaged
from tests.support.records import amend

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.runs import Tiny


@pytest.fixture
def run(tiny: Tiny) -> Path:
    """Give the folder of a finished run."""
    tiny.launch()
    (key,) = tiny.context.store.keys()
    return tiny.context.store.root / key


def test_a_run_is_sealed_as_it_is_stored(run: Path) -> None:
    check_folder(run)
    named = set(read_record(run).files)
    assert named == {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()} - {RECORD}
    assert {SCORES, WEIGHTS} < named


def test_any_change_of_a_file_is_found_and_named(run: Path) -> None:
    for name in read_record(run).files:
        path = run / name
        content = path.read_bytes()
        for place in range(0, len(content), max(1, len(content) // 10)):
            path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
            with pytest.raises(DamagedRunError, match=f"{path} is damaged"):
                check_folder(run)
        path.write_bytes(content[:-1])
        with pytest.raises(DamagedRunError, match=f"{path} is damaged"):
            check_folder(run)
        path.unlink()
        with pytest.raises(DamagedRunError, match=f"{path} is missing"):
            check_folder(run)
        path.write_bytes(content)
        check_folder(run)


def test_any_change_of_the_record_is_found(run: Path) -> None:
    path = run / RECORD
    text = path.read_text()
    psnr = str(read_record(run).columns["training_seconds"])
    for changed in (
        text.replace(psnr, "1.0"),
        text.replace('"seed": 0', '"seed": 1', 1),
        text[:-20],
        "",
        "null",
        "[1]",
        "{}",
        '"run"',
        "[" * 100_000,
        "\0" * 100,
    ):
        assert changed != text
        path.write_text(changed)
        with pytest.raises(DamagedRunError, match=str(path)):
            read_record(run)


@pytest.mark.parametrize("name", ["columns", "files", "run", "evaluation", "protocol", "source", "hardware"])
@pytest.mark.parametrize("value", [None, 3, "text", [1]])
def test_a_field_of_a_wrong_type_is_named_even_if_the_checksum_fits(run: Path, name: str, value: Any) -> None:
    if (name, value) == ("protocol", 3):
        value = 3.5
    amend(run, **{name: value})
    with pytest.raises(DamagedRunError, match=rf"{run / RECORD} is damaged: {name}"):
        read_record(run)


@pytest.mark.parametrize("name", ["../other.txt", "/etc/hostname", "a/../../b", ".", "", "a\0b"])
def test_a_name_that_leads_out_of_the_run_is_refused(run: Path, name: str) -> None:
    amend(run, files=read_record(run).files | {name: "0" * 64})
    with pytest.raises(DamagedRunError, match="leads out of it"):
        check_folder(run)


def test_damaged_weights_are_not_loaded(run: Path) -> None:
    path = run / WEIGHTS
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DamagedRunError, match=f"{path} is damaged"):
        load_run(run)


@pytest.mark.parametrize("name", [SCORES, WEIGHTS])
@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", bytes(1000), b"\xff" * 50])
def test_sealed_files_of_no_use_are_named(tiny: Tiny, run: Path, name: str, content: bytes) -> None:
    """Whoever makes a run by hand can seal anything."""
    (run / name).write_bytes(content)
    add_checksums(run)
    with pytest.raises(DamagedRunError, match=str(run / name)):
        tiny.context.store.scores() if name == SCORES else load_run(run)


def test_sealed_weights_of_another_network_are_named(run: Path) -> None:
    amend(run, run=read_record(run).to_json()["run"] | {"width": 8})
    with pytest.raises(DamagedRunError, match="holds no weights of the run"):
        load_run(run)


def test_a_damaged_run_is_set_aside_and_the_others_count(tiny: Tiny) -> None:
    tiny.launch(seeds=(0, 1))
    store = tiny.context.store
    sound, broken = store.keys()
    path = store.root / broken / SCORES
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedRunError, match=str(path)):
        store.scores()
    (told,) = set_aside_damaged(store.root)
    assert told.startswith(f"{path} is damaged")
    assert store.keys() == [sound]
    assert set(store.scores()["key"]) == {sound}
    (kept,) = (store.root / DAMAGED).glob(f"*/{broken}/{WEIGHTS}")
    assert str(kept.parent.parent) in told
    assert set_aside_damaged(store.root) == []
    assert sorted(tiny.launch(seeds=(0, 1))) == ["stored", "trained"]


def test_a_run_without_its_record_is_set_aside(tiny: Tiny, run: Path) -> None:
    (run / RECORD).unlink()
    assert tiny.context.store.keys() == [run.name]
    (told,) = set_aside_damaged(tiny.context.store.root)
    assert told.startswith(f"{run / RECORD} is missing")
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


def test_a_run_that_someone_works_on_is_let_alone(tiny: Tiny, run: Path) -> None:
    (run / SCORES).unlink()
    with tiny.context.store.lock(run.name):
        assert set_aside_damaged(tiny.context.store.root) == []
    assert len(set_aside_damaged(tiny.context.store.root)) == 1


def test_other_folders_in_a_store_are_let_alone(tiny: Tiny, run: Path) -> None:
    for name in ("tables", "report", "collected"):
        (run.parent / name).mkdir()
        (run.parent / name / SCORES).write_bytes(b"")
    assert tiny.context.store.keys() == [run.name]
    assert set_aside_damaged(tiny.context.store.root) == []


# A crash in the middle of adding scores to a run


def further(run: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the run's scores under another parameter, and their part of the record."""
    rows = pd.read_parquet(run / SCORES).assign(parameter=50.0)
    return rows, {"gaussian:50": read_record(run).evaluation["gaussian:25"]}


@pytest.mark.parametrize("moment", ["before it is told", "after it is told", "half moved"])
def test_a_crash_while_scores_are_added_leaves_the_run_whole(
    tiny: Tiny, run: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    store = tiny.context.store
    rows, evaluated = further(run)
    following = store.begin_extension(run.name)
    (following / "pictures").mkdir()
    (following / "pictures" / "more.png").write_bytes(b"a picture")

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    if moment == "before it is told":
        monkeypatch.setattr("bench.store.store.write_record", crash)
    elif moment == "after it is told":
        monkeypatch.setattr("bench.store.store.move_next", crash)
    else:
        moves = iter([shutil.move, crash])

        def move(source: Path, target: Path) -> None:
            next(moves)(source, target)

        monkeypatch.setattr("bench.store.recovery.move_durably", move)
    with pytest.raises(KeyboardInterrupt):
        store.extend(run.name, rows, evaluated)
    monkeypatch.undo()
    told = moment != "before it is told"
    parameters = {25.0, 50.0} if told else {25.0}
    assert set(store.scores()["parameter"]) == parameters
    assert set_aside_damaged(store.root) == []
    assert not (run / NEXT).exists()
    assert set(store.scores()["parameter"]) == parameters
    assert (run / "pictures" / "more.png").is_file() == told
    assert set(checksums(run)) - {RECORD} == set(read_record(run).files)


def test_a_checkpoint_left_in_a_finished_run_is_tidied_away(tiny: Tiny, run: Path) -> None:
    (run / CHECKPOINT).write_bytes(b"left by a crash")
    assert set_aside_damaged(tiny.context.store.root) == []
    assert not (run / CHECKPOINT).exists()


def test_an_amended_run_is_as_good_as_stored(run: Path) -> None:
    amend(run, commit="another")
    check_folder(run)
    assert json.loads((run / RECORD).read_text())["commit"] == "another"
