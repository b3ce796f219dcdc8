"""Networks in overlapping tiles: how far they reach, the same result, and when they are used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from bench.conformance.case import small_unet
from bench.discovery import build, listings, load_class
from bench.errors import InputError
from bench.noise import Gaussian
from bench.noise.blind import UnknownNoise
from bench.scoring import tiles
from bench.scoring.denoiser import Denoiser
from bench.scoring.tiles import STRIDE, choose_tile, overlap, reach

if TYPE_CHECKING:
    from bench.training.unet import UNet

CPU = torch.device("cpu")


def random_unet(channels: int = 1) -> UNet:
    """Return a network whose last layer is not zero."""
    net = small_unet(channels)
    with torch.no_grad():
        net.exit.weight.normal_(std=0.2, generator=torch.Generator().manual_seed(0))
    return net


def test_a_value_depends_on_no_pixel_beyond_the_reach_and_on_some_near_it():
    """Shown by gradients for all positions relative to the pooling; with positive weights none cancels."""
    net = random_unet().double()
    with torch.no_grad():
        for weight in net.parameters():
            weight.abs_()
    side, distances = 12 * STRIDE, []
    for offset in range(0, STRIDE, 5):
        image = torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        image.requires_grad_()
        centre = side // 2 + offset
        (gradient,) = torch.autograd.grad(net(image)[0, 0, centre, centre], image)
        rows = gradient[0, 0].abs().sum(dim=1).nonzero().flatten()
        distances += [int(centre - rows.min()), int(rows.max() - centre)]
    assert reach(net) - STRIDE < max(distances) <= reach(net) <= overlap(net)
    assert overlap(net) % STRIDE == 0


@pytest.mark.parametrize("shape", [(5 * STRIDE, 3 * STRIDE), (3 * STRIDE + 7, 400), (20, 13)])
@pytest.mark.parametrize("method", sorted(set(listings()) - {"bm3d"}))
def test_tiles_give_the_result_of_the_whole_image_for_every_method(method: str, shape: tuple[int, int]):
    built = build(load_class(method), {})
    whole = Denoiser(random_unet(), built, Gaussian(25), CPU)
    noisy = 0.5 + 0.1 * torch.randn(1, 1, *shape, generator=torch.Generator().manual_seed(2))
    expected = whole(noisy)
    for side in (STRIDE, 2 * STRIDE):
        assert (replace(whole, tile=side)(noisy) - expected).abs().max() < 1e-5


def test_rules_that_use_the_whole_image_see_it():
    """The level with the least quality penalty, and the estimate of unknown noise, are those of the image."""
    quality = build(load_class("noise2score"), {"level": "quality"})
    whole = Denoiser(random_unet(), quality, UnknownNoise(Gaussian, 20, 55), CPU)
    noisy = 0.5 + 0.1 * torch.randn(1, 1, 200, 300, generator=torch.Generator().manual_seed(2))
    tiled = replace(whole, tile=STRIDE)
    assert tiled.estimate(noisy) == pytest.approx(whole.estimate(noisy), rel=1e-4)
    assert (tiled(noisy) - whole(noisy)).abs().max() < 1e-4


def test_tiles_are_chosen_by_the_memory_there_is(monkeypatch: pytest.MonkeyPatch):
    net = small_unet(1)

    def chosen(available: int) -> int | None:
        monkeypatch.setattr(tiles, "available_memory", lambda: available)
        return choose_tile(net, 2000, 3000, device=CPU)

    of_whole = tiles.BYTES_PER_CHANNEL * net.width * 6e6 / tiles.USABLE + tiles.BYTES_PER_VALUE * 6e6
    assert chosen(int(of_whole) + 1) is None
    larger, smaller = chosen(int(of_whole) - 1), chosen(int(of_whole / 2))
    assert larger > smaller >= STRIDE
    assert larger % STRIDE == smaller % STRIDE == 0
    pixels = (larger + 2 * overlap(net)) ** 2
    assert tiles.BYTES_PER_CHANNEL * net.width * pixels <= min(tiles.LARGEST_TILE, tiles.USABLE * of_whole)
    with pytest.raises(InputError, match=r"2000x3000 pixels takes .* GiB even in tiles, but 0\.00 GiB are"):
        chosen(1000)
