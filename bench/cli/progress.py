"""The progress of a grid of runs, in a terminal or in a log."""

from __future__ import annotations

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


class Display:
    """Prints a line per finished run, and below them the progress bars of the grid and the current runs."""

    def __init__(self, console: Console, jobs: list[Job]) -> None:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            # A log cannot redraw bars; the lines of finished runs are enough.
            disable=not console.is_terminal,
            transient=True,
        )
        self.console = console
        self.total = len(jobs)
        self.grid = self.progress.add_task("runs", total=self.total, note="")
        self.bars: dict[str, TaskID] = {}
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
        self._bar(job)

    def progressed(self, job: Job, entry: dict[str, Any]) -> None:
        """Advance the bar of a run."""
        self.progress.update(self._bar(job), completed=entry["step"], note=f"loss {entry['loss']:.3g}")

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

    def _bar(self, job: Job) -> TaskID:
        if job.key not in self.bars:
            self.bars[job.key] = self.progress.add_task(escape(job.title), total=job.run.steps, note="")
        return self.bars[job.key]

    def _remove_bar(self, job: Job) -> None:
        if job.key in self.bars:
            self.progress.remove_task(self.bars.pop(job.key))
