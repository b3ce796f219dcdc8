"""The progress of a grid of runs, in a terminal or in a log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console
    from rich.progress import TaskID

    from bench.runs.plan import Job

COLOURS = {"trained": "green", "stored": "cyan", "scored": "green"}
LOG_EVERY = 60.0
"""Seconds between two lines about a training run in a log."""


@dataclass
class Pace:
    """The time and step at which a training run was first seen, and the time of its last line in the log."""

    step: int
    started: float
    logged: float

    def remaining(self, step: int, total: int, now: float) -> timedelta:
        """Estimate the time to the last step."""
        return timedelta(seconds=round((total - step) * (now - self.started) / (step - self.step)))


class Display:
    """Prints a line per finished run, and below them the progress bars of the grid and the current runs.

    A log cannot redraw bars: there, each training run has a line every minute.
    """

    def __init__(self, console: Console, jobs: list[Job]) -> None:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self.console = console
        self.total = len(jobs)
        self.grid = self.progress.add_task("runs", total=self.total, note="")
        self.bars: dict[str, TaskID] = {}
        self.paces: dict[str, Pace] = {}
        self.outcomes: list[str] = []

    def __enter__(self) -> Display:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def started(self, job: Job) -> None:
        """Draw the bar of a run; a run that starts again gets a new one."""
        self._remove_bar(job)
        self.paces.pop(job.key, None)
        self._bar(job)

    def progressed(self, job: Job, entry: dict[str, Any]) -> None:
        """Advance the bar of a run."""
        self.progress.update(self._bar(job), completed=entry["step"], note=f"loss {entry['loss']:.3g}")
        if not self.console.is_terminal:
            self._log(job, entry["step"])

    def warned(self, job: Job, text: str) -> None:
        """Print a warning about a run that has not ended."""
        self.console.print(f"{escape(job.title)}: [yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)

    def ended(self, job: Job, outcome: str) -> None:
        """Print the line of a run that has ended, and remove its bar."""
        self._remove_bar(job)
        self.outcomes.append(outcome)
        done = len(self.outcomes)
        self.progress.update(self.grid, completed=done)
        colour = COLOURS.get(outcome, "bold red")
        self.console.print(
            f"[{done:>{len(str(self.total))}}/{self.total}] {escape(job.title)}: "
            f"[{colour}]{escape(outcome)}[/] ({job.key})",
            highlight=False,
            soft_wrap=True,
        )

    def _log(self, job: Job, step: int) -> None:
        now = time.monotonic()
        pace = self.paces.setdefault(job.key, Pace(step, now, now))
        if step > pace.step and now - pace.logged >= LOG_EVERY:
            pace.logged = now
            left = pace.remaining(step, job.run.steps, now)
            self.console.print(
                f"{escape(job.title)}: step {step} of {job.run.steps}, {left} left",
                highlight=False,
                soft_wrap=True,
            )

    def _bar(self, job: Job) -> TaskID:
        if job.key not in self.bars:
            self.bars[job.key] = self.progress.add_task(escape(job.title), total=job.run.steps, note="")
        return self.bars[job.key]

    def _remove_bar(self, job: Job) -> None:
        if job.key in self.bars:
            self.progress.remove_task(self.bars.pop(job.key))
