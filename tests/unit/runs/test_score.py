"""Scoring: the denoised images that are kept, and what is recorded of LPIPS."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from bench.images.sources import open_set
from bench.runs.load import load_run
from bench.scoring.noisy_sets import corrupt
from tests.support.images import photograph

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.runs import Tiny


def test_kept_images_are_the_output_at_16_bits(tiny: Tiny) -> None:
    tiny.launch()
    (job,) = tiny.jobs()
    folder = tiny.context.store.root / job.key
    noisy = corrupt(tiny.context.test_images[0], job.noise, seed=0).images[1]
    expected = load_run(folder)(noisy.noisy).clamp(0, 1)[0, 0].numpy()
    kept = np.asarray(Image.open(folder / "pictures" / "gaussian-25" / "test" / "1.png"))
    assert np.abs(kept / 65535 - expected).max() <= 0.51 / 65535  # half a step, and float32


def test_stored_runs_get_lpips_once_it_can_be_computed(tiny: Tiny) -> None:
    assert tiny.launch() == ["trained"]
    (before,) = tiny.context.store.scores().groupby("key")["psnr"].agg(list)
    able = with_lpips(tiny)
    assert [able.launch(), able.launch(), tiny.launch()] == [["scored"], ["stored"], ["stored"]]
    scores = tiny.context.store.scores()
    assert list(scores["lpips"]) == [0.5, 0.5]
    assert list(scores["psnr"]) == pytest.approx(before, abs=1e-6)
    assert lpips_of(able) == "computed"


def test_images_too_small_for_lpips_are_recorded_with_their_size(tiny: Tiny, tmp_path: Path) -> None:
    Image.fromarray(photograph(20, 40, 1, seed=9)).save(tmp_path / "test" / "2.png")
    able = with_lpips(tiny, test_images=(open_set(str(tmp_path / "test"), channels=1),))
    assert [able.launch(), able.launch()] == [["trained"], ["stored"]]
    assert list(able.context.store.scores()["lpips"].isna()) == [False, False, True]
    assert lpips_of(able).startswith("not computed for 1 of 3 images")
    assert lpips_of(able).endswith("2.png (20x40)")


def with_lpips(tiny: Tiny, **changes: Any) -> Tiny:
    """Return the same grid on a machine where LPIPS, a half everywhere, can be computed."""
    half: Any = lambda denoised, clean: torch.tensor([0.5])  # noqa: E731
    return replace(tiny, context=replace(tiny.context, lpips=half, **changes))


def lpips_of(tiny: Tiny) -> str:
    """Return what the record of the only run says of LPIPS."""
    (job,) = tiny.jobs()
    return tiny.context.store.record(job.key).evaluation["gaussian:25"]["test"].lpips
