"""How a grid of runs shows itself in a terminal or in a log."""

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
    """One line per ended run, and under them the bars of the grid and of the runs at work."""

    def __init__(self, console: Console, jobs: list[Job]) -> None:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            # In a log that no terminal draws, the lines of ended runs are all that is of use.
            disable=not console.is_terminal,
            transient=True,
        )
        self.console = console
        self.total = len(jobs)
        self.grid = self.progress.add_task("runs", total=self.total, note="")
        self.at_work: dict[str, TaskID] = {}
        self.outcomes: list[str] = []

    def __enter__(self) -> Display:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def started(self, job: Job) -> None:
        """Show a run at work; one that is begun again has a new bar."""
        self._take_away(job)
        self._bar(job)

    def progressed(self, job: Job, entry: dict[str, Any]) -> None:
        """Move its bar."""
        self.progress.update(self._bar(job), completed=entry["step"], note=f"loss {entry['loss']:.3g}")

    def warned(self, job: Job, text: str) -> None:
        """Print a line about a run that is not over."""
        self.console.print(f"{escape(job.title)}: [yellow]{escape(text)}[/]", highlight=False, soft_wrap=True)

    def ended(self, job: Job, outcome: str) -> None:
        """Print its line."""
        self._take_away(job)
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
        if job.key not in self.at_work:
            self.at_work[job.key] = self.progress.add_task(escape(job.title), total=job.run.steps, note="")
        return self.at_work[job.key]

    def _take_away(self, job: Job) -> None:
        if job.key in self.at_work:
            self.progress.remove_task(self.at_work.pop(job.key))
