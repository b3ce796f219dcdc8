"""On CUDA the noisy test images are those of the CPU, and a training run reaches the same PSNR."""

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
"""A learning rate at which a training run does not amplify rounding errors.

At the usual one, two training runs on one CPU with differently rounded sums end .03 to .22 dB apart; at this
one, within .012 dB.
"""


def trained(method: str, device: torch.device, engine: str, folder: Path) -> tuple[float, str]:
    """Train for 200 steps in float32; return the mean PSNR, dB, and the hash of the noisy test images."""
    recipe = replace(
        RECIPES["quick"], methods=(method,), noises=("gaussian:25",), steps=200, learning_rate=SLOW
    )
    train, *tests = (open_set(name, channels=1) for name in (recipe.train, *recipe.test))
    store = Store.open(folder)
    (job,) = plan(recipe, train, device=device, precision="float32")
    assert not launch(
        [job], RunContext(train, tuple(tests), device, store, "not asked for", engine), Silent()
    )
    (evaluated,) = store.record(job.key).evaluation["gaussian:25"].values()
    return store.scores()["psnr"].mean(), evaluated.noisy_sha256


# These two draw nothing on the device, whose random numbers differ from those of the CPU.
@pytest.mark.gpu
@pytest.mark.parametrize("method", ["supervised", "noise2noise"])
def test_a_training_run_reaches_the_psnr_of_the_cpu(method: str, tmp_path: Path) -> None:
    expected, noisy = trained(method, CPU, "eager", tmp_path / "cpu")
    for engine in ("eager", "graph"):
        reached, noisy_on_cuda = trained(method, CUDA, engine, tmp_path / engine)
        assert noisy_on_cuda == noisy
        assert reached == pytest.approx(expected, abs=0.05)
