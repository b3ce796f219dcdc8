"""CUDA beside the CPU: the same noisy test images, and a training that ends where it does there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from bench.images.sources import open_set
from bench.runs.context import RunContext
from bench.runs.launch import launch
from bench.runs.plan import plan
from bench.runs.recipes import RECIPES
from bench.store.store import Store
from tests.support.runs import CPU, Silent

if TYPE_CHECKING:
    from pathlib import Path

CUDA = torch.device("cuda")

SLOW = 1e-4
"""A learning rate at which a training does not magnify rounding.

At the usual one, two trainings on one processor whose sums are rounded otherwise end .03 to .22 dB apart; at
this one, within .012 dB.
"""


def trained(method: str, device: torch.device, engine: str, folder: Path) -> tuple[float, str]:
    """Train for 200 steps in float32; give the mean PSNR, dB, and the hash of the noisy test images."""
    recipe = replace(
        RECIPES["quick"], methods=(method,), noises=("gaussian:25",), steps=200, learning_rate=SLOW
    )
    train, *tests = (open_set(name, channels=1) for name in (recipe.train, *recipe.test))
    store = Store.open(folder)
    (job,) = plan(recipe, train, device=device, precision="float32")
    assert not launch(
        [job], RunContext(train, tuple(tests), device, store, "not asked for", engine), Silent()
    )
    (told,) = store.facts(job.key)["evaluation"]["gaussian:25"].values()
    return store.scores()["psnr"].mean(), told["noisy_sha256"]


# These two draw nothing on the device, where random numbers are others than on the CPU.
@pytest.mark.gpu
@pytest.mark.parametrize("method", ["supervised", "noise2noise"])
def test_a_training_ends_where_it_does_on_the_cpu(method: str, tmp_path: Path) -> None:
    here, noisy = trained(method, CPU, "eager", tmp_path / "cpu")
    for engine in ("eager", "graph"):
        there, noisy_there = trained(method, CUDA, engine, tmp_path / engine)
        assert noisy_there == noisy
        assert there == pytest.approx(here, abs=0.05)
