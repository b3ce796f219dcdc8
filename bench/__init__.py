"""noisebench: one harness that trains self-supervised denoisers on identical U-Nets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from bench.denoiser import Denoiser


def load_run(folder: str | Path, *, device: str = "cpu") -> Denoiser:
    """Load the trained denoiser of a finished run; see ``bench.denoiser.load_run``."""
    # Importing torch takes seconds, which a command that lists names should not have to wait for.
    from bench import denoiser

    return denoiser.load_run(folder, device=device)
