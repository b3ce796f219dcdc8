"""The commands ``noisebench demo score`` and ``noisebench demo noise``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from bench.cli.console import open_console
from bench.cli.options.demo import DemoOptions, ScoreDemoOptions
from bench.demos import noise_figure, score_figure

if TYPE_CHECKING:
    from bench.demos.mixture_score import ScoreDemo
    from bench.demos.noise import NoiseDemo


def demo(options: DemoOptions) -> None:
    """Draw the figure of a demonstration, and print what it shows."""
    run = score_figure.run if isinstance(options.demo, ScoreDemoOptions) else noise_figure.run
    result: ScoreDemo | NoiseDemo = run(**asdict(options.demo))
    written = f"written: {', '.join(map(str, result.files))}"
    open_console().print(f"{result.text}\n{written}", markup=False, highlight=False, soft_wrap=True)
