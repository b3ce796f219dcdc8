"""A published table, two made-up references and the page that is written from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.published.page import TEMPLATE, write_page
from bench.published.retraining import training_runs
from tests.support.results.references import publish, published_numbers, write_reference
from tests.support.results.scores import SEES, made_up

if TYPE_CHECKING:
    from pathlib import Path

    from bench.published.retraining import TrainingRuns
    from bench.published.table import Published

ROWS = [("gaussian", 25.0, "set12"), ("gaussian", 25.0, "bsd68"), ("gamma", 50.0, "bsd68")]
METHODS = ["bm3d", "sure", "supervised"]
ROW = '"gaussian", 25, "bsd68"'
TUNING = {"sets": {"bsd400-held": ["h.png", "i.png"]}, "training_images": "bsd400-tune", "seeds": (0,)}


@dataclass(frozen=True)
class Workspace:
    """A published table, references named ``one`` and ``again``, and where the page goes."""

    published: Published
    scores: pd.DataFrame
    reports: Path
    out: Path

    def write(self, text: str) -> list[Path]:
        """Write the page of a template."""
        template = '{% set one = reference("one") %}\n' + text
        (self.published.folder / TEMPLATE).write_text(template, encoding="utf-8")
        return write_page(self.published, reports=self.reports, out=self.out)

    def render(self, text: str) -> str:
        """Return the text of the page of a template."""
        return self.write(text)[0].read_text(encoding="utf-8")

    @property
    def main(self) -> pd.DataFrame:
        """The scores of ``one`` that are compared with the table."""
        return main_of(self.scores)

    @property
    def tuning(self) -> pd.DataFrame:
        """The scores of ``one`` by which settings were chosen."""
        return self.scores[self.scores["training_images"] == "bsd400-tune"]

    @property
    def redrawn(self) -> pd.DataFrame:
        """The scores of ``one`` under redrawn noise."""
        return self.scores[self.scores["training_noise"] == "resampled"]

    def stored(self, name: str) -> pd.DataFrame:
        """Read the scores of a reference that are compared with the table, with their keys."""
        return main_of(pd.read_parquet(self.reports / name / "scores.parquet"))

    @property
    def repeated(self) -> TrainingRuns:
        """Training runs that are compared with the table, committed and repeated."""
        return training_runs(self.stored("one"), {"again": self.stored("again")})


def main_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Select the scores that are compared with the table."""
    return scores[(scores["training_noise"] == "frozen") & (scores["batch"] == 16)]


def make_workspace(folder: Path) -> Workspace:
    """Write the table and the references: main runs, runs under redrawn noise, and a search for settings."""
    searched = SEES | {"sure:eps=0.01": "noisy + noise"}
    redrawn = made_up(training_noise="resampled")
    parts = [
        made_up(),
        redrawn.assign(psnr=redrawn["psnr"] + np.linspace(0, 1, len(redrawn))),
        made_up(searched, **TUNING, learning_rate=1e-3, batch=4),
        made_up(SEES, **TUNING, learning_rate=2e-3, batch=4),
    ]
    scores = pd.concat(parts, ignore_index=True)
    write_reference(folder / "reports" / "one", scores)
    write_reference(folder / "reports" / "again", _trained_again(scores))
    published = publish(folder / "table", published_numbers(ROWS, METHODS), retrained=["again"])
    return Workspace(published, scores, folder / "reports", folder / "out")


def _trained_again(scores: pd.DataFrame) -> pd.DataFrame:
    some = scores[scores["method"].isin(["sure", "supervised"])]
    return some.assign(psnr=some["psnr"] + np.linspace(0, 0.1, len(some)))
