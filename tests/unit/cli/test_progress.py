"""The progress of a grid with several runs at a time."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console

from bench.cli.progress import Display

if TYPE_CHECKING:
    import pytest

    from tests.support.runs import Tiny


def test_each_run_that_trains_has_a_bar_of_its_own(tiny: Tiny) -> None:
    first, second = jobs = tiny.jobs(seeds=(0, 1))
    printed = io.StringIO()
    display = Display(Console(file=printed, width=200), jobs)
    for job in (first, second, first):  # the first starts again
        display.started(job)
    display.progressed(second, {"step": 3, "loss": 0.5})

    def bars() -> dict[str, float]:
        return {bar.description: bar.completed for bar in display.progress.tasks}

    assert bars() == {"runs": 0, first.title: 0, second.title: 3}
    display.ended(second, "trained")
    assert bars() == {"runs": 1, first.title: 0}
    display.ended(first, "stored")
    assert bars() == {"runs": 2}
    assert printed.getvalue().splitlines() == [
        f"[1/2] {second.title}: trained ({second.key})",
        f"[2/2] {first.title}: stored ({first.key})",
    ]


def test_a_log_has_a_line_a_minute_with_the_time_left(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    (job,) = tiny.jobs(steps=1000)
    printed, now = io.StringIO(), 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    display = Display(Console(file=printed, width=200), [job])
    display.started(job)
    # From step 400, where it resumes, a step takes half a second.
    for step in range(400, 1000, 20):
        now = 100 + (step - 400) / 2
        display.progressed(job, {"step": step, "loss": 0.5})
    assert printed.getvalue().splitlines() == [
        f"{job.title}: step {step} of 1000, {timedelta(seconds=(1000 - step) / 2)} left"
        for step in (520, 640, 760, 880)
    ]


def test_a_terminal_has_bars_and_no_such_lines(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    (job,) = tiny.jobs(steps=1000)
    printed = io.StringIO()
    monkeypatch.setattr("bench.cli.progress.LOG_EVERY", 0)
    display = Display(Console(file=printed, width=200, force_terminal=True), [job])
    for step in (20, 40):
        display.progressed(job, {"step": step, "loss": 0.5})
    assert "left" not in printed.getvalue()
