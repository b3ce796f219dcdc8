"""Broken methods beside the real ones."""

from __future__ import annotations

import pytest

import methods
from tests.support.methods.broken import folders


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the broken methods to those that are found."""
    monkeypatch.setattr(methods, "__path__", folders())
