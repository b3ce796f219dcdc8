"""Scoring: the denoised images that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bench.runs.load import load_run
from bench.scoring.noisy_sets import corrupt

if TYPE_CHECKING:
    from tests.support.runs import Tiny


def test_kept_images_are_the_output_at_16_bits(tiny: Tiny) -> None:
    tiny.launch()
    (job,) = tiny.jobs()
    folder = tiny.context.store.root / job.key
    noisy = corrupt(tiny.context.test_images[0], job.noise, seed=0).images[1]
    expected = load_run(folder)(noisy.noisy).clamp(0, 1)[0, 0].numpy()
    kept = np.asarray(Image.open(folder / "pictures" / "gaussian-25" / "test" / "1.png"))
    assert np.abs(kept / 65535 - expected).max() <= 0.51 / 65535  # half a step, and float32
