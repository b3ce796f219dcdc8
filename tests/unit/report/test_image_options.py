"""Which folders a report opens, and what it says of missing images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.results.reports import read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.runs import Tiny


def test_runs_open_no_folder_that_the_user_did_not_name(trained: Tiny, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (tmp_path / "test").is_dir()
    page = read(tmp_path / "out", trained.context.store, trained.context.store.root)
    assert "the folder of the image set 'test' is not known here; name it by --test" in page.text


def test_missing_images_are_reported_by_set(trained: Tiny, tmp_path: Path):
    page = read(tmp_path / "out", trained.context.store, trained.context.store.root)
    assert "Missing images" in page.text
    assert "'test'" in page.text
    assert not any(tag == "img" for tag, _ in page.elements)
