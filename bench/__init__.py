"""noisebench: one harness that trains self-supervised denoisers on identical U-Nets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench.images.limits import LARGEST_IMAGE

if TYPE_CHECKING:
    from pathlib import Path

    from bench.scoring.denoiser import Denoiser

# OpenCV reads its limit once, when it is loaded, and some file may have another size to it than to Pillow.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(LARGEST_IMAGE))


def load_run(folder: str | Path, *, device: str = "cpu") -> Denoiser:
    """Load the trained denoiser of a finished run; see ``bench.runs.load.load_run``."""
    # Importing torch takes seconds, which a command that lists names should not have to wait for.
    from bench.runs import load

    return load.load_run(folder, device=device)
