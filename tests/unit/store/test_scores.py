"""Tables of scores: how those of several runs are joined, and how damaged ones are refused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from bench.store.checksums import DamagedRunError
from bench.store.layout import SCORES
from bench.store.scores import IDENTITY, SETTINGS, failures_of, hash_scores, latest, parse_table, write_scores
from tests.support.results.records import made_up_record
from tests.support.results.stored import COMMON

if TYPE_CHECKING:
    from pathlib import Path


def row(key: str, finished: str, **columns: object) -> pd.DataFrame:
    return pd.DataFrame([COMMON | {"key": key, "finished": finished} | columns])


def test_of_runs_of_the_same_settings_only_the_latest_is_kept() -> None:
    parts = [row("new", "2", image=1), row("old", "1", image=1), row("other", "1", width=8)]
    assert sorted(latest(parts)["key"]) == ["new", "other"]
    assert latest([]).empty


@pytest.mark.parametrize("name", sorted({*SETTINGS} - {"images"}))
def test_every_setting_distinguishes_runs(name: str) -> None:
    assert len(latest([row("a", "1"), row("b", "2", **{name: 1})])) == 2


def test_a_score_is_identified_once() -> None:
    assert len(IDENTITY) == len(set(IDENTITY))
    assert {*IDENTITY} - {*SETTINGS} == {"image"}


def test_failures_have_one_row_per_test_set() -> None:
    test = [{"parameter": 25.0, "images": name} for name in ("set12", "bsd68")]
    failures = failures_of([made_up_record(error="it diverged", test=test)])
    assert failures.to_dict("records") == [{"key": "key", "error": "it diverged"} | target for target in test]


def test_what_blind_methods_saw_is_read_in_current_words(tmp_path: Path) -> None:
    stored, current = "noisy + law, untrained", "noisy + noise model, untrained"
    path = tmp_path / "scores.parquet"
    write_scores(row("a", "1", sees=stored, error=stored), tmp_path)
    (read,) = parse_table(path.read_bytes(), path)[["sees", "error"]].to_dict("records")
    assert read == {"sees": current, "error": stored}
    record = made_up_record(error="diverged", test=[{"parameter": 25.0, "images": "set12"}])
    record.columns["sees"] = stored
    assert list(failures_of([record])["sees"]) == [current]


def test_a_file_that_is_not_a_table_is_named(tmp_path: Path) -> None:
    write_scores(row("a", "1"), tmp_path)
    path = tmp_path / "scores.parquet"
    assert list(parse_table(path.read_bytes(), path)["key"]) == ["a"]
    with pytest.raises(DamagedRunError, match="no table can be read from it"):
        parse_table(path.read_bytes()[:-8], path)


def test_the_hash_of_scores_changes_with_every_value_and_with_nothing_else() -> None:
    rows = pd.concat([row("a", "1", image=name, psnr=30 + 1 / 3, passes=1) for name in ("x", "y", "z")])
    digest = hash_scores(rows)
    same = [rows[::-1], rows[rows.columns[::-1]], rows.assign(more=None), rows.astype({"passes": float})]
    assert {hash_scores(each) for each in same} == {digest}
    first = rows["image"] == "x"
    moved = rows["psnr"].where(~first, np.nextafter(30 + 1 / 3, 31))
    other = [
        rows[1:],
        rows.assign(psnr=moved),
        rows.assign(psnr=rows["psnr"].where(~first)),
        rows.assign(new=0),
    ]
    assert len({digest, *map(hash_scores, other)}) == len(other) + 1


def test_settings_that_earlier_protocols_did_not_record_are_filled_in(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {"protocol": [3, 4, 5], "optimiser": [None, None, "muon"], "clip_ratio": [None, None, 1.0]}
    )
    write_scores(rows, tmp_path)
    path = tmp_path / SCORES
    filled = parse_table(path.read_bytes(), path)
    assert list(filled["optimiser"]) == ["adam", "adam", "muon"]
    assert list(filled["clip_ratio"]) == [math.inf, 2.0, 1.0]
    write_scores(rows[["protocol"]][:2], tmp_path)
    filled = parse_table(path.read_bytes(), path)
    assert list(filled["clip_ratio"]) == [math.inf, 2.0]
