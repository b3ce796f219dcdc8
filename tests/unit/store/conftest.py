"""A stored run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.runs import Tiny


@pytest.fixture
def run(tiny: Tiny) -> Path:
    """Return the folder of a finished run."""
    tiny.launch()
    (key,) = tiny.context.store.keys()
    return tiny.context.store.root / key
