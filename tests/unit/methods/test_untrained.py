"""Filters that need no training denoise any image under every noise model, reproducibly."""

from __future__ import annotations

import os
import random
import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import torch

from bench.conformance.case import small_unet
from bench.discovery import listings, parse_method
from bench.errors import InputError
from bench.images.clean_image import CleanImage
from bench.images.image_set import ImageSet
from bench.images.sources import open_set
from bench.method import Untrained
from bench.noise import Gaussian, Noise
from bench.scoring.denoiser import Denoiser
from bench.scoring.evaluate import evaluate
from bench.scoring.noisy_sets import corrupt
from bench.seeds import generator
from tests.support.images import photograph
from tests.support.methods.calculus import progress_of, rng_of
from tests.support.methods.noises import LEVELS, batch_of
from tests.support.runs import CPU

UNTRAINED = {name: method for name in listings() if isinstance(method := parse_method(name)[1], Untrained)}
DATA = os.environ.get("NOISEBENCH_DATA")


@pytest.fixture(params=UNTRAINED)
def method(request: pytest.FixtureRequest) -> Untrained:
    if request.param == "bm3d":
        pytest.importorskip("bm3d")
    return UNTRAINED[request.param]


def smooth_photograph(channels: int) -> ImageSet:
    pixels = photograph(96, 80, channels, seed=3).reshape(96, 80, channels)
    return ImageSet("some", (CleanImage("0", pixels),), channels, "", ())


def denoised(method: Untrained, noise: Noise, clean: np.ndarray) -> torch.Tensor:
    noisy = torch.from_numpy(noise.sample(clean.astype(np.float32), generator("untrained")))
    with torch.inference_mode():
        return method.denoise(small_unet(noisy.shape[1]), noisy, noise)


@pytest.mark.parametrize(
    ("model", "channels"), [("gaussian", 1), ("gaussian", 3), ("poisson", 1), ("gamma", 1)]
)
def test_most_of_the_noise_is_removed(method: Untrained, model: str, channels: int):
    noise = LEVELS[model]
    test = corrupt(smooth_photograph(channels), noise, seed=0)
    (row,) = evaluate(Denoiser(small_unet(channels), method, noise, CPU), test)
    assert row["psnr"] > row["noisy_psnr"] + 7  # of a smooth image; the best method gains 9 to 13 dB
    assert row["passes"] == 0


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (2, 1, 5, 33), (1, 1, 8, 8)])
def test_small_images_are_denoised(method: Untrained, shape: tuple[int, ...]):
    found = denoised(method, Gaussian(25), generator("small").random(shape))
    assert found.shape == shape
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("model", ["poisson", "gamma"])
def test_black_stays_black(method: Untrained, model: str):
    found = denoised(method, LEVELS[model], np.zeros((1, 1, 20, 24)))
    assert torch.isfinite(found).all()
    assert found.abs().max() < 1.1 / 1024  # the floor of the logarithm


def test_denoising_is_bitwise_reproducible_and_draws_from_no_global_generator(method: Untrained):
    noisy, net = batch_of(method, Gaussian(25), count=1).noisy, small_unet(1)
    given = noisy.clone()

    def states() -> list[object]:
        return [random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()]  # noqa: NPY002

    before = states()
    first, again = (method.denoise(net, noisy, Gaussian(25)) for _ in range(2))
    assert states() == before
    assert torch.equal(first, again)
    assert torch.equal(noisy, given)


@pytest.mark.parametrize("name", UNTRAINED)
def test_an_untrained_method_has_no_loss(name: str):
    method = UNTRAINED[name]
    with pytest.raises(InputError, match="is not trained"):
        method.loss(small_unet(1), batch_of(method, Gaussian(25)), rng_of(), progress_of(0))


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    with pytest.raises(InputError, match="pip install bm3d"):
        denoised(UNTRAINED["bm3d"], Gaussian(25), np.zeros((1, 1, 8, 8)))


@pytest.mark.data
def test_bm3d_reaches_its_published_psnr():
    """Cameraman at sigma 25: 29.45 dB (Dabov et al. 2007, table 1)."""
    pytest.importorskip("bm3d")
    if not DATA or not (Path(DATA) / "set12").is_dir():
        pytest.skip("NOISEBENCH_DATA does not name a folder with set12")
    images = open_set("set12", channels=1, data=Path(DATA))
    test = corrupt(replace(images, images=images.images[:1]), Gaussian(25), seed=0)
    rows = evaluate(Denoiser(small_unet(1), UNTRAINED["bm3d"], Gaussian(25), CPU), test)
    assert fmean(row["psnr"] for row in rows) == pytest.approx(29.45, abs=0.1)
