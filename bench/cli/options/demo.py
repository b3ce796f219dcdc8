"""The options of ``noisebench demo score`` and ``noisebench demo noise``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from bench.cli.options.shared import Folder, optional

DEFAULT_DEMO = Path("demo")


@dataclass(frozen=True)
class ScoreDemoOptions:
    """Learn the score of a Gaussian mixture from noisy points, and draw it next to the exact one.

    Args:
        out: folder for the figure (PNG, SVG) and its data (CSV)
        sigma: standard deviation of the noise, on the 0 to 255 scale
        steps: optimiser steps; the default takes about half a minute
        batch: noisy points per batch
        seed: seed of the weights, points and perturbations
    """

    out: Folder = DEFAULT_DEMO
    sigma: float = 25
    steps: int = 2000
    batch: int = 4096
    seed: int = 0


@dataclass(frozen=True)
class NoiseDemoOptions:
    """Show one photograph under Gaussian, Poisson and Gamma noise of equal mean squared error.

    Args:
        image: your own image file
        out: folder for the figure (PNG, SVG) and its data (CSV)
        photograph: one of scikit-image's, such as astronaut.png, camera.png, chelsea.png or rocket.jpg
        sigma: standard deviation of the Gaussian noise, on the 0 to 255 scale; zeta and k follow from the
            image
        seed: seed of the noise
    """

    image: Annotated[Positional[Path | None], optional("IMAGE", default="--photograph")] = None
    out: Folder = DEFAULT_DEMO
    photograph: str = "astronaut.png"
    sigma: float = 25
    seed: int = 0


@dataclass(frozen=True)
class DemoOptions:
    """Draw a figure that demonstrates the score or the noise models.

    Args:
        demo: which demonstration
    """

    demo: tyro.conf.OmitArgPrefixes[
        Annotated[ScoreDemoOptions, tyro.conf.subcommand("score", prefix_name=False)]
        | Annotated[NoiseDemoOptions, tyro.conf.subcommand("noise", prefix_name=False)]
    ]
