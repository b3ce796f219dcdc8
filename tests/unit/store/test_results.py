"""Results opened by their folder, whichever kind it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.errors import InputError
from bench.store.layout import SCORES
from bench.store.reference import Reference, collect, with_checksum
from bench.store.results import open_results
from bench.store.store import Store
from bench.store.stored_runs import StoredRuns
from tests.support.results.stored import fail, finish

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    finish(tmp_path / "runs", "first", finished="2026-01-01", psnr=1.0)
    finish(tmp_path / "runs", "second", finished="2026-01-02", psnr=2.0, seed=1)
    fail(tmp_path / "runs", "third", started="2026-01-03", method="diverging")
    return tmp_path / "runs"


def test_a_store_and_the_reference_made_of_it_hold_the_same(runs: Path, tmp_path: Path) -> None:
    collect([runs], tmp_path / "reference")
    store, reference = open_results(runs), open_results(tmp_path / "reference")
    assert (store, reference) == (StoredRuns(runs), Reference(tmp_path / "reference"))
    pd.testing.assert_frame_equal(store.scores(), reference.scores())
    pd.testing.assert_frame_equal(store.failures(), reference.failures())
    assert list(store.scores()["psnr"]) == [1.0, 2.0]
    assert list(store.failures()["error"]) == ["it diverged"]
    assert {"first", "second"} <= {*store.keys()} & {*reference.keys()}
    for key in ("first", "second"):
        rows = reference.scores().query("key == @key")
        assert reference.record(key) == with_checksum(Store(runs).record(key).without_folder(), rows)
        assert store.record(key).columns["key"] == key


def test_failures_alone_are_results(tmp_path: Path) -> None:
    fail(tmp_path, "third", started="2026-01-03")
    results = open_results(tmp_path)
    assert results.scores().empty
    assert list(results.failures()["key"]) == ["third"]


def test_a_folder_without_runs_is_named_with_advice(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(
            InputError, match=rf"no runs in '{folder}'; .*`noisebench run`.*`noisebench collect`"
        ):
            open_results(folder)


def test_a_single_run_is_no_damaged_reference(runs: Path) -> None:
    assert (runs / "first" / SCORES).is_file()
    with pytest.raises(InputError, match=r"first' is a single run; name the folder that it is in"):
        open_results(runs / "first")


def test_damaged_reference_results_are_refused(runs: Path, tmp_path: Path) -> None:
    collect([runs], tmp_path / "reference")
    (tmp_path / "reference" / "runs" / "first.json").unlink()
    with pytest.raises(InputError, match=r"no record: .*first\.json' is missing"):
        open_results(tmp_path / "reference")
