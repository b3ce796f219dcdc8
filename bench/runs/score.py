"""Score a denoiser on noisy test sets, and keep a few of its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bench.images.formats.png_chunks import encode_png
from bench.images.intensity_scale import full_scale
from bench.runs.recording import evaluation_of
from bench.scoring.evaluate import evaluate
from bench.scoring.metrics import too_small_for_lpips
from bench.store.layout import image_folder
from bench.system.files import storing, write_durably

if TYPE_CHECKING:
    from torch import Tensor

    from bench.scoring.denoiser import Denoiser
    from bench.scoring.metrics import Lpips
    from bench.scoring.noisy_sets import NoisySet
    from bench.store.record import Evaluation

DEPTH = np.dtype(np.uint16)
"""Type of the samples of the images that are kept."""

KEPT_IMAGES = 3
"""Number of images kept from each test set."""


@dataclass(frozen=True)
class ImageWriter:
    """Writes the denoised images with the given names to a folder, with 16 bits."""

    folder: Path
    names: frozenset[str]

    def __call__(self, name: str, denoised: Tensor) -> None:
        """Write the image, (1, C, H, W) in [0, 1], if it is to be kept."""
        if name in self.names:
            pixels = denoised[0].movedim(0, -1).numpy()
            samples, _ = full_scale(DEPTH).from_unit(pixels, DEPTH, largest=np.iinfo(DEPTH).max)
            write_durably(self.folder / f"{Path(name).stem}.png", encode_png(samples))


def score(
    denoiser: Denoiser, tests: list[NoisySet], lpips: Lpips | str, run: Path
) -> tuple[pd.DataFrame, dict[str, dict[str, Evaluation]]]:
    """Score a denoiser on noisy test sets, and keep the first denoised images of each.

    Args:
        denoiser: denoiser of the run.
        tests: the noisy test sets.
        lpips: the metric, or the reason why it is missing.
        run: folder for the images.

    Returns:
        One row per test image; and the evaluated test sets, by noise and test set.
    """
    metric = None if isinstance(lpips, str) else lpips
    rows: list[dict[str, Any]] = []
    evaluated: dict[str, dict[str, Evaluation]] = {}
    for test in tests:
        shared = {"parameter": test.noise.parameter, "images": test.name}
        rows += [
            shared | row for row in evaluate(denoiser, test, lpips=metric, keep=_open_image_writer(run, test))
        ]
        state = describe_lpips(lpips, test)
        evaluated.setdefault(test.noise.spec, {})[test.name] = evaluation_of(test, lpips=state)
    # A column of only None would have no type, and could not be joined with a column of numbers.
    return pd.DataFrame(rows).astype({"lpips": "float64", "estimate": "float64"}), evaluated


def describe_lpips(lpips: Lpips | str, test: NoisySet) -> str:
    """Return ``computed``, or why LPIPS is missing on a test set, on all its images or on some."""
    if isinstance(lpips, str):
        return lpips
    sizes = {image.name: (image.clean.shape[2], image.clean.shape[3]) for image in test.images}
    return too_small_for_lpips(sizes) or "computed"


def _open_image_writer(run: Path, test: NoisySet) -> ImageWriter:
    folder = image_folder(run, test.noise.spec, test.name)
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return ImageWriter(folder, frozenset(image.name for image in test.images[:KEPT_IMAGES]))
