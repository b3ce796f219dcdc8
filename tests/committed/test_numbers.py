"""A false committed number is found: by the checksum of its run, or by the sums of older references."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from bench.analysis.columns import CELL
from bench.analysis.questions import differences_to
from bench.analysis.sign_flips import ALPHA
from bench.errors import InputError
from bench.published.reproduction import reproduce
from bench.published.table import open_published
from bench.store.checksums import read_object, write_json
from bench.store.layout import SCORES
from bench.store.record import RunRecord
from bench.store.reference import Reference, find_reference, open_reference, with_checksum
from bench.store.scores import write_scores
from tests.support.repository import ROOT

REPORTS = ROOT / "reports"
FOLDERS = sorted(path.parent for path in REPORTS.glob(f"*/{SCORES}"))
SUMS = REPORTS / "SHA256SUMS"
CHECKED_SINCE = 5
"""The first protocol whose records hold the checksum of their scores."""
TABLE = ROOT / "tables" / "noise2score"
METHODS = sorted(set(pd.read_parquet(REPORTS / "cpu-2026-11-22" / SCORES)["method"]))


def sums() -> dict[str, str]:
    """Read the sums of the references that were collected before records held checksums."""
    lines = SUMS.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ", maxsplit=1) for line in lines)}


def false_sums(reports: Path) -> list[str]:
    """Return the files whose sums are wrong, as ``sha256sum --check`` does."""
    found = {name: hashlib.sha256((reports / name).read_bytes()).hexdigest() for name in sums()}
    return [name for name, digest in sums().items() if found[name] != digest]


def falsify(folder: Path, method: str) -> None:
    """Change the PSNRs of one method by .2 dB."""
    rows = pd.read_parquet(folder / SCORES)
    write_scores(rows.assign(psnr=rows["psnr"] + 0.2 * (rows["method"] == method)), folder)


def copy(folder: Path, reports: Path) -> Path:
    return Path(shutil.copytree(folder, reports / folder.name))


def test_every_reference_has_checksums_or_sums_that_are_right() -> None:
    held = sums()
    for folder in FOLDERS:
        reference = open_reference(folder)
        for key in sorted(reference.keys()):
            record = reference.record(key)
            if record.protocol >= CHECKED_SINCE and record.error is None:
                assert record.scores_sha256, key
            else:
                assert f"{folder.name}/{SCORES}" in held
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in held.values())
    assert false_sums(REPORTS) == []


@pytest.mark.parametrize("method", METHODS)
def test_a_false_number_of_any_method_is_found(method: str, tmp_path: Path) -> None:
    for name in sums():
        copy(REPORTS / Path(name).parent, tmp_path)
    folder = tmp_path / "cpu-2026-11-22"
    falsify(folder, method)
    assert false_sums(tmp_path) == [f"{folder.name}/{SCORES}"]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the reference with checksums, as ``collect`` writes them now."""
    folder = copy(REPORTS / "cpu-2026-11-22", tmp_path_factory.mktemp("reports"))
    for key, rows in Reference(folder).scores().groupby("key"):
        path = folder / "runs" / f"{key}.json"
        write_json(with_checksum(RunRecord.from_json(read_object(path)), rows).to_json(), path)
    open_reference(folder)
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_a_reference_with_checksums_refuses_a_false_number_of_any_method(
    checked: Path, method: str, tmp_path: Path
) -> None:
    folder = copy(checked, tmp_path)
    falsify(folder, method)
    with pytest.raises(InputError, match="have changed since they were collected"):
        open_reference(folder)


@pytest.mark.parametrize("images", ["set12", "bsd68"])
def test_differences_above_a_decibel_are_significant_on_both_test_sets(images: str) -> None:
    published = open_published(TABLE)
    reference = find_reference(REPORTS, published.reference)
    scores = reproduce(published, reference.scores(), reference.failures()).scores
    large = 0
    for baseline in published.baselines:
        for cell, pair in differences_to(scores[scores["images"] == images], baseline).items():
            if abs(pair.mean) > 1:
                large += 1
                assert pair.p < ALPHA, (baseline, *cell)
    assert large >= 40
    assert len(scores[CELL].drop_duplicates()) > large
