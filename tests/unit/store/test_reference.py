"""Reference results: what is merged, what stays, what is refused."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from bench.errors import InputError
from bench.store.checksums import RECORD, add_checksums, write_json
from bench.store.layout import SCORES
from bench.store.reference import collect, find_reference, open_reference, with_checksum
from bench.store.scores import write_scores
from bench.store.store import Store
from tests.support.results.stored import fail, finish
from tests.support.runs import make_tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


WHOLE = "0123456789abcdef"
"""A key such as runs have."""


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def stores(tmp_path: Path) -> list[Path]:
    """Write three stores: a run and an older one of its settings, another run, and two equal failures."""
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    finish(first, "older", finished="2026-01-01", psnr=1.0)
    finish(first, "other", finished="2026-01-01", psnr=3.0, seed=1)
    finish(second, "later", finished="2026-01-02", psnr=2.0)
    fail(second, "failed-before", started="2026-01-03", method="diverging")
    fail(third, "failed-again", started="2026-01-04", method="diverging")
    return [first, second, third]


def test_real_runs_come_with_all_their_scores_and_records(
    photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path
) -> None:
    folders = photo_folders(1)
    grids = {"one": {"seeds": (1, 0)}, "two": {"methods": ("noise2noise",)}}
    tinies = [make_tiny(folders, tmp_path / name, channels=1) for name in grids]
    for tiny, changes in zip(tinies, grids.values(), strict=True):
        tiny.launch(**changes)
    collected = collect([tiny.context.store.root for tiny in tinies], tmp_path / "reports")
    expected = pd.concat([tiny.context.store.scores() for tiny in tinies])
    pd.testing.assert_frame_equal(
        collected.scores(), expected.sort_values(["method", "seed", "image"], ignore_index=True)
    )
    keys = [tiny.context.store.keys() for tiny in tinies]
    assert list(map(len, keys)) == [2, 1]
    reference = open_reference(tmp_path / "reports")
    assert reference.keys() == sorted(keys[0] + keys[1])
    for tiny, its_keys in zip(tinies, keys, strict=True):
        for key in its_keys:
            rows = expected[expected["key"] == key]
            record = tiny.context.store.record(key).without_folder()
            assert reference.record(key) == with_checksum(record, rows)
    assert reference.failures().empty


def test_of_runs_of_the_same_settings_the_latest_stays(stores: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    assert list(collect(stores[:1], folder).scores()["key"]) == ["older", "other"]
    reference = collect(stores, folder)
    assert list(zip(reference.scores()["key"], reference.scores()["psnr"], strict=True)) == [
        ("later", 2.0),
        ("other", 3.0),
    ]
    assert reference.keys() == ["failed-again", "later", "other"]
    assert sorted(content(folder)) == [
        "runs/failed-again.json",
        "runs/later.json",
        "runs/other.json",
        "scores.parquet",
    ]


def test_collected_twice_or_in_pieces_the_files_are_the_same(stores: list[Path], tmp_path: Path) -> None:
    collect(stores, tmp_path / "at once")
    expected = content(tmp_path / "at once")
    collect(stores, tmp_path / "at once")
    assert content(tmp_path / "at once") == expected
    collect(stores[::-1], tmp_path / "reversed")
    assert content(tmp_path / "reversed") == expected
    for order in (stores, stores[::-1]):
        for store in order:
            collect([store], tmp_path / "pieces")
        assert content(tmp_path / "pieces") == expected
        shutil.rmtree(tmp_path / "pieces")


@pytest.mark.parametrize("order", [1, -1])
def test_of_copies_of_one_run_the_one_scored_on_more_sets_stays(tmp_path: Path, order: int) -> None:
    finish(tmp_path / "first", "key", finished="2026-01-01")
    finish(tmp_path / "second", "key", finished="2026-01-01", sets=("set", "more"))
    reference = collect([tmp_path / "first", tmp_path / "second"][::order], tmp_path / "reports")
    assert list(reference.scores()["images"]) == ["more", "set"]
    assert set(reference.record("key").evaluation["noise"]) == {"more", "set"}


def test_a_run_trained_again_is_replaced_as_a_whole(tmp_path: Path) -> None:
    finish(tmp_path / "first", "key", finished="2026-01-01", sets=("set", "more"), psnr=1.0)
    finish(tmp_path / "second", "key", finished="2026-01-02", psnr=2.0)
    reference = collect([tmp_path / "second", tmp_path / "first"], tmp_path / "reports")
    assert list(reference.scores()["psnr"]) == [2.0]
    assert reference.record("key").finished == "2026-01-02"


def test_a_failure_comes_without_its_traceback(stores: list[Path], tmp_path: Path) -> None:
    reference = collect(stores, tmp_path / "reports")
    pd.testing.assert_frame_equal(reference.failures(), Store(stores[2]).failures())
    record = Store(stores[2] / "failed").record("failed-again")
    assert record.traceback == "/home/me"
    assert reference.record("failed-again").traceback is None
    assert reference.record("failed-again") == record.without_folder()
    assert "/home/me" not in (tmp_path / "reports" / "runs" / "failed-again.json").read_text()


def test_a_failure_goes_where_a_run_of_its_settings_finished(stores: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    assert not collect(stores, folder).failures().empty
    finish(tmp_path / "fourth", "mended", finished="2026-01-05", method="diverging")
    reference = collect([tmp_path / "fourth"], folder)
    assert reference.failures().empty
    assert reference.keys() == ["later", "mended", "other"]
    again = collect(stores, folder)
    assert again.failures().empty
    assert len(again.scores()) == 3


def test_failures_alone_can_be_collected_and_added_to(stores: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    assert collect(stores[2:], folder).scores().empty
    assert list(open_reference(folder).failures()["error"]) == ["it diverged"]
    assert len(collect(stores[:1], folder).scores()) == 2


def test_a_store_without_runs_is_named(stores: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there are no runs in .*nowhere"):
        collect([*stores, tmp_path / "nowhere"], tmp_path / "reports")
    with pytest.raises(InputError, match=r"no runs to collect into .*reports"):
        collect([], tmp_path / "reports")
    assert not (tmp_path / "reports").exists()


def test_collecting_that_was_cut_short_is_done_again(stores: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    collect(stores[:1], folder)
    scores = (folder / SCORES).read_bytes()
    collect(stores, folder)
    expected = content(folder)
    (folder / SCORES).write_bytes(scores)  # the records were written, and then it was killed
    with pytest.raises(InputError, match=r"has a record, .* but no scores"):
        open_reference(folder)
    (folder / "runs" / "older.json").write_bytes((stores[0] / "older" / RECORD).read_bytes())
    collect(stores, folder)
    assert content(folder) == expected


def test_a_store_in_which_nothing_was_left_to_train_adds_nothing(stores: list[Path], tmp_path: Path) -> None:
    collect(stores, tmp_path / "reports")
    before = content(tmp_path / "reports")
    collect([Store.open(tmp_path / "empty").root], tmp_path / "reports")
    assert content(tmp_path / "reports") == before


def test_the_profile_of_the_machine_comes_too(stores: list[Path], tmp_path: Path) -> None:
    for root in stores[1:]:
        (root / "profile").mkdir()
        (root / "profile" / "throughput.json").write_text(root.name)
        (root / "profile" / "trace.json.gz").touch()
    for chosen, expected in ((stores, "third"), (stores[:2], "second"), (stores[:1], "second")):
        collect(chosen, tmp_path / "reports")
        (profile,) = (tmp_path / "reports" / "profile").iterdir()
        assert (profile.name, profile.read_text()) == ("throughput.json", expected)


@pytest.mark.parametrize(
    ("lost", "said"),
    [(RECORD, rf"{WHOLE}.run\.json is missing"), (SCORES, rf"{WHOLE}.scores\.parquet is missing")],
)
def test_a_stored_run_that_is_not_whole_is_named(
    stores: list[Path], tmp_path: Path, lost: str, said: str
) -> None:
    finish(stores[0], WHOLE, finished="2026-01-01")
    (stores[0] / WHOLE / lost).unlink()
    with pytest.raises(InputError, match=said):
        collect(stores, tmp_path / "reports")


def rewrite_record(folder: Path, **changes: Any) -> None:
    path = folder / "runs" / "later.json"
    write_json(json.loads(path.read_text()) | changes, path)


def change_score(folder: Path, psnr: float) -> None:
    rows = pd.read_parquet(folder / SCORES)
    write_scores(rows.assign(psnr=rows["psnr"].where(rows["key"] != "later", psnr)), folder)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / SCORES).unlink(), "it has no scores.parquet"),
        (lambda folder: (folder / "runs" / "later.json").unlink(), r"no record: .*later\.json' is missing"),
        (lambda folder: write_scores(pd.read_parquet(folder / SCORES)[1:], folder), "run later .*no scores"),
        (
            lambda folder: change_score(folder, 2.2),
            "scores of run later have changed since they were collected",
        ),
        (lambda folder: rewrite_record(folder, error="it diverged"), "run later .*of other scores"),
        (lambda folder: rewrite_record(folder, evaluation={}), "run later .*of other scores"),
        (lambda folder: rewrite_record(folder, columns={"finished": "2026"}), "run later .*of other scores"),
    ],
)
def test_a_damaged_reference_is_refused(
    stores: list[Path], tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    folder = tmp_path / "reports"
    collect(stores, folder)
    damage(folder)
    with pytest.raises(InputError, match=said):
        open_reference(folder)


def test_scores_without_a_column_that_distinguishes_runs_are_refused(tmp_path: Path) -> None:
    finish(tmp_path / "first", "key", finished="2026-01-01")
    folder = tmp_path / "first" / "key"
    write_scores(pd.read_parquet(folder / SCORES).drop(columns="learning_rate"), folder)
    add_checksums(folder)
    with pytest.raises(InputError, match=r"key.scores\.parquet is damaged: .* columns learning_rate"):
        collect([tmp_path / "first"], tmp_path / "reports")


def test_an_unknown_run_is_named(stores: list[Path], tmp_path: Path) -> None:
    reference = collect(stores, tmp_path / "reports")
    with pytest.raises(InputError, match=r"unknown run in .*reports' 'latter'; did you mean 'later'"):
        reference.record("latter")


def test_a_reference_is_found_by_its_name(stores: list[Path], tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    with pytest.raises(InputError, match=r"unknown reference in .*reports' 'cpu-1'\. Known: none"):
        find_reference(reports, "cpu-1")
    first, second = (collect(stores, reports / name) for name in ("cpu-1", "cpu-2"))
    (reports / "README.md").write_text("")
    assert [find_reference(reports, name) for name in ("cpu-1", "cpu-2")] == [first, second]
    with pytest.raises(InputError, match=r"unknown reference in .*reports' 'cpu-3'; did you mean 'cpu-"):
        find_reference(reports, "cpu-3")
