"""One image of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from bench.conformance.case import small_unet
from bench.errors import InputError
from bench.noise import Gaussian, Noise
from bench.scoring import tiles
from bench.scoring.denoiser import Denoiser
from bench.scoring.one_image import denoise_image
from methods.supervised import Supervised

if TYPE_CHECKING:
    from bench.method import Network

IMAGE = np.random.default_rng(0).random((128, 1200, 1), dtype=np.float32)


@dataclass(frozen=True)
class Failing(Supervised):
    """Fails as torch does."""

    message: str = ""

    def denoise(self, net: Network, noisy: torch.Tensor, noise: Noise | None) -> torch.Tensor:
        raise RuntimeError(self.message)


def test_little_memory_changes_nothing_but_the_passes(monkeypatch: pytest.MonkeyPatch):
    net = small_unet(1)
    with torch.no_grad():
        net.exit.weight.normal_(std=0.2, generator=torch.Generator().manual_seed(0))
    sizes = []
    net.register_forward_pre_hook(lambda _, given: sizes.append(given[0].shape[-1]))
    denoiser = Denoiser(net, Supervised(), Gaussian(25), torch.device("cpu"))
    whole = denoise_image(denoiser, IMAGE)
    assert sizes == [1200]
    smallest = tiles.STRIDE + 2 * tiles.overlap(net)
    monkeypatch.setattr(tiles, "LARGEST_TILE", tiles.BYTES_PER_CHANNEL * net.width * smallest**2)
    of_whole = tiles.BYTES_PER_CHANNEL * net.width * IMAGE.size / tiles.USABLE
    monkeypatch.setattr(tiles, "available_memory", lambda: of_whole + tiles.BYTES_PER_VALUE * IMAGE.size - 1)
    np.testing.assert_allclose(denoise_image(denoiser, IMAGE), whole, atol=1e-5)
    assert max(sizes[1:]) == smallest


def test_running_out_of_memory_gives_advice_and_other_errors_stay():
    net, noise, device = small_unet(1), Gaussian(25), torch.device("cpu")
    with pytest.raises(InputError, match="out of memory on cpu for an image of 128x1200 pixels; cut it"):
        denoise_image(Denoiser(net, Failing("can't allocate memory"), noise, device), IMAGE)
    with pytest.raises(RuntimeError, match="another"):
        denoise_image(Denoiser(net, Failing("another"), noise, device), IMAGE)
