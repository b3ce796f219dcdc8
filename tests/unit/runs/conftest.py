"""A method for the tests of planning and launching."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import methods

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def gaussian_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Add a method that is defined only for Gaussian noise, and return its name."""
    (tmp_path / "entries").mkdir()
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path / "entries")])
    monkeypatch.delitem(sys.modules, "methods.picky", raising=False)
    (tmp_path / "entries" / "picky.py").write_text(
        "from dataclasses import dataclass\nfrom methods.supervised import Supervised\n"
        "@dataclass(frozen=True)\nclass Picky(Supervised):\n    noises = frozenset({'gaussian'})\n"
    )
    return "picky"
