"""Runs of a few seconds, and what is reported of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from bench.images.sources import open_set
from bench.runs.context import RunContext
from bench.runs.launch import launch
from bench.runs.plan import Job, plan
from bench.runs.recipes import RECIPES, Recipe
from bench.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path


CPU = torch.device("cpu")


@dataclass
class Silent:
    """Keeps what is said of jobs, and shows nothing."""

    outcomes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def started(self, job: Job) -> None:
        pass

    def progressed(self, job: Job, entry: dict[str, Any]) -> None:
        pass

    def warned(self, job: Job, text: str) -> None:
        self.warnings.append(text)

    def ended(self, job: Job, outcome: str) -> None:
        self.outcomes.append(outcome)


@dataclass(frozen=True)
class Tiny:
    """A recipe of a few seconds, with its images and store."""

    recipe: Recipe
    context: RunContext

    def jobs(self, **changes: Any) -> list[Job]:
        return plan(replace(self.recipe, **changes), self.context.training_images, device=self.context.device)

    def launch(self, **changes: Any) -> list[str]:
        return self.watched(**changes).outcomes

    def watched(self, **changes: Any) -> Silent:
        watcher = Silent()
        launch(self.jobs(**changes), self.context, watcher)
        return watcher


def make_tiny(folders: tuple[Path, Path], root: Path, *, channels: int) -> Tiny:
    train, test = (open_set(str(folder), channels=channels) for folder in folders)
    recipe = replace(
        RECIPES["quick"],
        methods=("supervised",),
        noises=("gaussian:25",),
        channels=channels,
        width=4,
        steps=4,
        batch=2,
        patch=32,
    )
    return Tiny(recipe, RunContext(train, (test,), CPU, Store.open(root), "not asked for"))
