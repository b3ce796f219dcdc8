"""Seals and the store: a run that is not as it was stored is found, named and set aside, never averaged."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from bench.runs.load import load_run
from bench.store.integrity import (
    FACTS,
    DamagedRunError,
    check_folder,
    checksums,
    read_facts,
    seal_folder,
    write_facts,
)
from bench.store.scores import SCORES, WEIGHTS
from bench.store.store import CHECKPOINT, DAMAGED, NEXT
from tests.support.runs import Tiny, amend

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tiny: Tiny) -> Path:
    """Give the folder of a finished run."""
    tiny.launch()
    (key,) = tiny.context.store.keys()
    return tiny.context.store.root / key


def test_a_run_is_sealed_as_it_is_stored(run: Path) -> None:
    check_folder(run)
    named = set(read_facts(run)["files"])
    assert named == {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()} - {FACTS}
    assert {SCORES, WEIGHTS} < named


def test_any_change_of_a_file_is_found_and_named(run: Path) -> None:
    for name in read_facts(run)["files"]:
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


def test_any_change_of_the_facts_is_found(run: Path) -> None:
    path = run / FACTS
    text = path.read_text()
    psnr = str(read_facts(run)["columns"]["training_seconds"])
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
            read_facts(run)


@pytest.mark.parametrize("name", ["columns", "files", "run", "evaluation", "protocol", "source", "hardware"])
@pytest.mark.parametrize("value", [None, 3, "text", [1]])
def test_facts_of_a_wrong_type_are_named_even_under_a_seal(run: Path, name: str, value: Any) -> None:
    if (name, value) == ("protocol", 3):
        value = 3.5
    write_facts(read_facts(run) | {name: value}, run)
    with pytest.raises(DamagedRunError, match=rf"{run / FACTS} is damaged: {name}"):
        read_facts(run)


@pytest.mark.parametrize("name", ["../other.txt", "/etc/hostname", "a/../../b", ".", "", "a\0b"])
def test_a_name_that_leads_out_of_the_run_is_refused(run: Path, name: str) -> None:
    facts = read_facts(run)
    write_facts(facts | {"files": facts["files"] | {name: "0" * 64}}, run)
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
    seal_folder(run)
    with pytest.raises(DamagedRunError, match=str(run / name)):
        tiny.context.store.scores() if name == SCORES else load_run(run)


def test_sealed_weights_of_another_network_are_named(run: Path) -> None:
    facts = read_facts(run)
    amend(run, run=facts["run"] | {"width": 8})
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
    (told,) = store.set_aside_damaged()
    assert told.startswith(f"{path} is damaged")
    assert store.keys() == [sound]
    assert set(store.scores()["key"]) == {sound}
    (kept,) = (store.root / DAMAGED).glob(f"*/{broken}/{WEIGHTS}")
    assert str(kept.parent.parent) in told
    assert store.set_aside_damaged() == []
    assert sorted(tiny.launch(seeds=(0, 1))) == ["stored", "trained"]


def test_a_run_without_its_facts_is_set_aside(tiny: Tiny, run: Path) -> None:
    (run / FACTS).unlink()
    assert tiny.context.store.keys() == [run.name]
    (told,) = tiny.context.store.set_aside_damaged()
    assert told.startswith(f"{run / FACTS} is missing")
    assert tiny.context.store.keys() == []


def test_a_failed_run_that_is_damaged_is_set_aside(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.runs.execute.train", lambda *_, **__: 1 / 0)
    tiny.launch()
    (path,) = tiny.context.store.root.glob(f"failed/*/{FACTS}")
    path.write_text("{")
    with pytest.raises(DamagedRunError, match=str(path)):
        tiny.context.store.failures()
    assert len(tiny.context.store.set_aside_damaged()) == 1
    assert tiny.context.store.failures().empty


def test_a_run_that_someone_works_on_is_let_alone(tiny: Tiny, run: Path) -> None:
    (run / SCORES).unlink()
    with tiny.context.store.lock(run.name):
        assert tiny.context.store.set_aside_damaged() == []
    assert len(tiny.context.store.set_aside_damaged()) == 1


def test_other_folders_in_a_store_are_let_alone(tiny: Tiny, run: Path) -> None:
    for name in ("tables", "report", "collected"):
        (run.parent / name).mkdir()
        (run.parent / name / SCORES).write_bytes(b"")
    assert tiny.context.store.keys() == [run.name]
    assert tiny.context.store.set_aside_damaged() == []


# A crash in the middle of adding scores to a run


def further(run: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Give the run's scores under another parameter, and what is told of them."""
    facts = read_facts(run)
    rows = pd.read_parquet(run / SCORES).assign(parameter=50.0)
    return rows, {"gaussian:50": facts["evaluation"]["gaussian:25"]}


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
        monkeypatch.setattr("bench.store.store.write_facts", crash)
    elif moment == "after it is told":
        monkeypatch.setattr("bench.store.store.Store._adopt_next", crash)
    else:
        moves = iter([shutil.move, crash])

        def move(source: Path, target: Path) -> None:
            next(moves)(source, target)

        monkeypatch.setattr("bench.store.store.move_durably", move)
    with pytest.raises(KeyboardInterrupt):
        store.extend(run.name, rows, evaluated)
    monkeypatch.undo()
    told = moment != "before it is told"
    parameters = {25.0, 50.0} if told else {25.0}
    assert set(store.scores()["parameter"]) == parameters
    assert store.set_aside_damaged() == []
    assert not (run / NEXT).exists()
    assert set(store.scores()["parameter"]) == parameters
    assert (run / "pictures" / "more.png").is_file() == told
    assert set(checksums(run)) - {FACTS} == set(read_facts(run)["files"])


def test_a_checkpoint_left_in_a_finished_run_is_tidied_away(tiny: Tiny, run: Path) -> None:
    (run / CHECKPOINT).write_bytes(b"left by a crash")
    assert tiny.context.store.set_aside_damaged() == []
    assert not (run / CHECKPOINT).exists()


def test_an_amended_run_is_as_good_as_stored(run: Path) -> None:
    amend(run, commit="another")
    check_folder(run)
    assert json.loads((run / FACTS).read_text())["commit"] == "another"
