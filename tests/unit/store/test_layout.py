"""The layout of a folder of runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.store.layout import image_folder, is_run


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("0123456789abcdef", None, True),
        ("key", "run.json", True),
        ("tables", "scores.parquet", False),
        ("0123456789ABCDEF", None, False),
    ],
)
def test_runs_are_recognised_by_their_name_or_record(
    tmp_path: Path, name: str, content: str | None, expected: bool
) -> None:
    (tmp_path / name).mkdir()
    if content:
        (tmp_path / name / content).touch()
    assert is_run(tmp_path / name) == expected


def test_a_file_is_not_a_run(tmp_path: Path) -> None:
    (tmp_path / "0123456789abcdef").touch()
    assert not is_run(tmp_path / "0123456789abcdef")


def test_images_are_kept_by_noise_and_test_set() -> None:
    assert image_folder(Path("run"), "gaussian:25", "set12") == Path(
        "run", "pictures", "gaussian-25", "set12"
    )
