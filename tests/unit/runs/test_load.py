"""Loading the denoiser of a stored run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from bench.errors import InputError
from bench.protocol import PROTOCOL_VERSION
from bench.runs.load import load_run
from bench.runs.recipes import RECIPES
from bench.scoring.evaluate import evaluate
from bench.scoring.noisy_sets import corrupt
from tests.support.results.records import amend
from tests.support.runs import Tiny, make_tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(params=[1, 3], ids=["grey", "colour"])
def channels(request: pytest.FixtureRequest) -> int:
    return request.param


def test_a_run_of_another_protocol_is_refused(tiny: Tiny) -> None:
    tiny.launch()
    folder = tiny.context.store.root / tiny.jobs()[0].key
    load_run(folder)
    amend(folder, protocol=PROTOCOL_VERSION - 1)
    with pytest.raises(
        InputError, match=f"under protocol {PROTOCOL_VERSION - 1}, .* protocol {PROTOCOL_VERSION},"
    ):
        load_run(folder)


def test_loaded_weights_reproduce_the_stored_scores(
    photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path, channels: int
) -> None:
    tiny = make_tiny(photo_folders(channels), tmp_path / "runs", channels=channels)
    recipe = {"methods": RECIPES["quick"].methods, "noises": RECIPES["quick"].noises}
    tiny.launch(**recipe)
    for job in tiny.jobs(**recipe):
        noisy = corrupt(tiny.context.test_images[0], job.noise, seed=0)
        again = evaluate(load_run(tiny.context.store.root / job.key), noisy)
        stored = tiny.context.store.scores([job.key])
        assert [row["psnr"] for row in again] == pytest.approx(list(stored["psnr"]), abs=1e-5)
        assert [row["ssim"] for row in again] == pytest.approx(list(stored["ssim"]), abs=1e-6)


@pytest.mark.parametrize(
    ("noisy", "given"),
    [(np.ones((1, 1, 32, 32), np.float32), "ndarray"), (torch.ones(1, 1, 32, 32).byte(), "uint8")],
)
def test_a_denoiser_accepts_only_float_tensors(tiny: Tiny, noisy: Any, given: str) -> None:
    tiny.launch()
    (job,) = tiny.jobs()
    with pytest.raises(InputError, match=f"a tensor of floats, white being 1, but was given .*{given}"):
        load_run(tiny.context.store.root / job.key)(noisy)
