from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.tables import curve_figure

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure


@pytest.fixture
def saved_figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Keep the figures that would be saved."""
    figures: list[Figure] = []

    def keep(figure: Figure, folder: Path, stem: str) -> tuple[Path, ...]:
        figures.append(figure)
        return tuple(folder / f"{stem}.{suffix}" for suffix in ("png", "svg", "pdf"))

    monkeypatch.setattr(curve_figure, "save", keep)
    return figures
