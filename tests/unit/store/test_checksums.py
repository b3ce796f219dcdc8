"""Checksums: any change of a stored run is found and named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bench.runs.load import load_run
from bench.store.checksums import (
    RECORD,
    DamagedRunError,
    add_checksums,
    check_folder,
    read_record,
)
from bench.store.layout import SCORES, WEIGHTS
from tests.support.results.records import amend

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.runs import Tiny


def test_a_stored_run_has_the_checksums_of_its_files(run: Path) -> None:
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
def test_invalid_files_are_named_even_if_their_checksums_fit(
    tiny: Tiny, run: Path, name: str, content: bytes
) -> None:
    """Anyone can write checksums."""
    (run / name).write_bytes(content)
    add_checksums(run)
    with pytest.raises(DamagedRunError, match=str(run / name)):
        tiny.context.store.scores() if name == SCORES else load_run(run)


def test_weights_of_another_network_are_named(run: Path) -> None:
    amend(run, run=read_record(run).to_json()["run"] | {"width": 8})
    with pytest.raises(DamagedRunError, match="holds no weights of the run"):
        load_run(run)


def test_a_changed_record_with_a_new_checksum_is_valid(run: Path) -> None:
    amend(run, commit="another")
    check_folder(run)
    assert json.loads((run / RECORD).read_text())["commit"] == "another"
