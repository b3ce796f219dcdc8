"""The commands ``noisebench demo score`` and ``noisebench demo noise``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from bench.demos.noise import NoiseDemo
    from bench.demos.score import ScoreDemo

# Imports of what takes long to load stand inside the functions, so that `--help` need not wait for it.

demo = tyro.extras.SubcommandApp()
Folder = Annotated[Path, tyro.conf.arg(metavar="DIR")]
Image = Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="IMAGE")]


@demo.command
def score(
    *, out: Folder = Path("demo"), sigma: float = 25, steps: int = 2000, batch: int = 4096, seed: int = 0
) -> None:
    """Learn the score of a Gaussian mixture from noisy points, and draw it beside the exact one.

    Args:
        out: folder for the figure (PNG, SVG) and its data (CSV)
        sigma: standard deviation of the noise, of 255
        steps: steps of the optimiser; the default takes about half a minute
        batch: noisy points of a step
        seed: of weights, points and perturbations
    """
    from bench.demos.score_figure import run

    _say(run(out, sigma=sigma, steps=steps, batch=batch, seed=seed))


@demo.command
def noise(
    image: Image = None,
    *,
    out: Folder = Path("demo"),
    photograph: str = "astronaut.png",
    sigma: float = 25,
    seed: int = 0,
) -> None:
    """Show one photograph under Gaussian, Poisson and Gamma noise of equal mean squared error.

    Args:
        image: your own image file; default: --photograph
        out: folder for the figure (PNG, SVG) and its data (CSV)
        photograph: one of scikit-image's, such as astronaut.png, camera.png, chelsea.png, rocket.jpg
        sigma: of the Gaussian noise, of 255; zeta and k follow from the picture
        seed: of the noise
    """
    from bench.demos.noise_figure import run

    _say(run(out, image=image, photograph=photograph, sigma=sigma, seed=seed))


def _say(result: ScoreDemo | NoiseDemo) -> None:
    from bench.cli.console import open_console

    written = f"written: {', '.join(map(str, result.files))}"
    open_console().print(f"{result.text}\n{written}", markup=False, highlight=False, soft_wrap=True)
