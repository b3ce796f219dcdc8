"""Reading stored runs: the latest counts, failures are dated, runs are found by name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.errors import InputError
from bench.store.layout import CURVE
from bench.store.scores import SETTINGS
from bench.store.store import Store
from tests.support.results.records import write_made_up
from tests.support.results.stored import COMMON, store_run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("times", "counts"),
    [
        ({"started": "11:00", "failed": "12:30"}, True),
        ({"started": "11:00", "failed": "11:30"}, False),
        ({"started": "12:30"}, True),
        ({"started": "11:00"}, False),
    ],
)
def test_only_failures_after_the_moment_count(tmp_path: Path, times: dict[str, str], counts: bool) -> None:
    store = Store.open(tmp_path)
    moments = {name: f"2026-01-01T{time}:00+00:00" for name, time in times.items()}
    with pytest.raises(RuntimeError), store.writing("key") as folder:
        write_made_up(folder, error="it diverged", **moments)
        raise RuntimeError
    found = store.error_since("key", datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert found == ("it diverged" if counts else None)


def test_a_superseded_run_is_left_out(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store_run(store, "a", finished="2026-01-02", psnr=2)
    store_run(store, "b", finished="2026-01-01", psnr=1)
    store_run(store, "c", finished="2026-01-01", psnr=3, seed=1)
    assert sorted(store.scores()["psnr"]) == [2, 3]
    assert list(store.scores(["b"])["psnr"]) == [1]


def test_the_latest_of_superseded_curves_counts(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    assert store.curves().empty
    # The superseded run comes last by name, and was evaluated at a step at which the later one was not.
    for key, finished, rows in (("a", "2026-01-02", {1: 10, 4: 40}), ("b", "2026-01-01", {2: 0, 4: 0})):
        with store.writing(key) as folder:
            common = dict.fromkeys(SETTINGS, 0) | {"key": key}
            curve = [common | {"step": step, "psnr": psnr} for step, psnr in rows.items()]
            pd.DataFrame(curve).to_parquet(folder / CURVE)
            write_made_up(folder, columns={"finished": finished})
    store_run(store, "without a curve", finished="2026-01-03")
    curves = store.curves()
    assert dict(zip(curves["step"], curves["psnr"], strict=True)) == {1: 10, 4: 40}


def test_a_superseded_run_adds_no_test_set_to_the_newer_one(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store_run(store, "old", finished="1")
    store.begin_extension("old")
    store.extend("old", pd.DataFrame([COMMON | {"key": "old", "finished": "1", "images": 1}]), {})
    assert list(store.scores()["images"]) == [0, 1]
    store_run(store, "new", finished="2")
    assert list(store.scores()["key"]) == ["new"]


def test_a_run_is_found_by_key_prefix_and_folder(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for key in ("abc1", "abd2"):
        store_run(store, key, finished="1")
    assert store.find("abc") == tmp_path / "abc1"
    assert store.find(str(tmp_path / "abd2")) == tmp_path / "abd2"
    with pytest.raises(InputError, match="'ab' could be any of abc1, abd2"):
        store.find("ab")
    with pytest.raises(InputError, match=r"unknown run .*'abx1'; did you mean 'abc1'"):
        store.find("abx1")
