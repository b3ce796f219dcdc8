"""noisebench: one harness that trains self-supervised denoisers on identical U-Nets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from bench.scoring.denoiser import Denoiser


def load_run(folder: str | Path, *, device: str = "cpu") -> Denoiser:
    """Load the trained denoiser of a finished run; see ``bench.runs.load.load_run``."""
    # Importing torch takes seconds; a command that only lists names should not wait for it.
    from bench.runs import load

    return load.load_run(folder, device=device)
