"""The progress of a grid with several runs at a time."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from bench.cli.progress import Display

if TYPE_CHECKING:
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
