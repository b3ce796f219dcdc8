"""What the tests of published tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.store.reference import Reference, collect
from bench.store.store import Store
from tests.support.results.pages import make_workspace
from tests.support.results.references import publish, published_numbers
from tests.support.results.side_by_side import METHODS, ROWS

if TYPE_CHECKING:
    from pathlib import Path

    from bench.published.table import Published
    from tests.support.results.pages import Workspace
    from tests.support.runs import Tiny


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return publish(tmp_path, published_numbers(ROWS, METHODS))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path)


@pytest.fixture
def one_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fix the commit, for someone may be editing this checkout."""
    monkeypatch.setattr("bench.runs.recording.commit", lambda: "0" * 40)


@pytest.fixture
def two_seeds(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reference:
    """Train with two seeds, collect, and change to the folder in which image sets are found by name."""
    monkeypatch.chdir(tmp_path)
    assert tiny.launch(seeds=(0, 1)) == ["trained", "trained"]
    return collect([tiny.context.store.root], tmp_path / "reports")


@pytest.fixture
def fresh(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "fresh")
