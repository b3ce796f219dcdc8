"""Neighbor2Neighbor compares two pixels of one cell, and corrects for their clean difference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from bench.conformance.case import small_unet
from bench.method import Batch, squared_error
from bench.noise import Gaussian
from methods.neighbor2neighbor import Neighbor2Neighbor, neighbours
from tests.support.methods.calculus import progress_of, rng_of
from tests.support.methods.networks import Spy, curved
from tests.support.methods.noises import batch_of

ADJACENT = {(0, 1), (1, 0), (2, 3), (3, 2), (0, 2), (2, 0), (1, 3), (3, 1)}
"""The ordered pairs of a cell's pixels, in reading order, that are beside, above or below each other."""


def numbered(count: int, height: int, width: int) -> Tensor:
    """Make images whose every pixel is its own index."""
    return torch.arange(height * width).view(1, 1, height, width).double().repeat(count, 1, 1, 1)


def loss_of(net, noisy: Tensor, *, gamma: float = 2.0, progress: float = 1.0) -> Tensor:
    method = Neighbor2Neighbor(gamma=gamma)
    return method.loss(net, Batch({"noisy": noisy}, None), rng_of(), progress_of(progress))


def pairs_in(noisy: Tensor) -> Tensor:
    """Return the pairs that ``loss_of`` draws."""
    shape = (len(noisy), 1, noisy.shape[2] // 2, noisy.shape[3] // 2)
    return torch.randint(8, shape, generator=rng_of())


def test_two_different_pixels_of_one_cell_are_compared():
    """All eight ordered pairs of adjacent pixels are as frequent, in every cell."""
    height, width = 6, 8
    image = numbered(8000, height, width)
    first, second = neighbours(image, pairs_in(image))
    assert first.shape == second.shape == (8000, 1, 3, 4)
    cell = torch.arange(3)[:, None] * 4 + torch.arange(4)
    positions = []
    for chosen in (first, second):
        row, column = (chosen // width).long(), (chosen % width).long()
        assert torch.equal((row // 2 * 4 + column // 2)[:, 0], cell.expand(8000, -1, -1))
        positions.append((row % 2 * 2 + column % 2).flatten(1).numpy())
    for one, other in zip(positions[0].T, positions[1].T, strict=True):
        found, counts = np.unique(np.stack([one, other]), axis=1, return_counts=True)
        assert set(map(tuple, found.T.tolist())) == ADJACENT
        assert stats.chisquare(counts).pvalue > 1e-3 / 12


def test_the_network_sees_the_first_and_its_target_is_the_second():
    image, spy = numbered(3, 8, 8), Spy(torch.zeros_like)
    losses = loss_of(spy, image, progress=0)
    first, second = neighbours(image, pairs_in(image))
    full, half = spy.seen
    assert torch.equal(full, image)
    assert torch.equal(half, first)
    torch.testing.assert_close(losses, squared_error(torch.zeros_like(second), second))


def test_channels_of_a_pixel_stay_together():
    image = numbered(2, 8, 8)
    coloured = torch.cat([image, image + 100, image + 200], dim=1)
    for chosen in neighbours(coloured, pairs_in(image)):
        assert (chosen - chosen[:, :1] == torch.tensor([0, 100, 200]).view(3, 1, 1)).all()


@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_loss_by_hand(progress: float):
    y, net = batch_of(Neighbor2Neighbor, Gaussian(25), channels=3).noisy.double(), small_unet(3).double()
    with torch.inference_mode():
        (g1_y, g2_y), (g1_f, g2_f) = (neighbours(image, pairs_in(y)) for image in (y, net(y)))
        f = net(g1_y).numpy()
    first = (f - g2_y.numpy()) ** 2
    second = (f - g2_y.numpy() - (g1_f - g2_f).numpy()) ** 2
    expected = (first + 1.5 * progress * second).mean(axis=(1, 2, 3))
    losses = loss_of(net, y, gamma=1.5, progress=progress).detach()
    np.testing.assert_allclose(losses, expected, rtol=1e-6)  # the share of the steps is a float32


def test_whole_image_is_denoised_without_gradient():
    """A gradient through f(y) would change the slope along a factor on f."""
    y = batch_of(Neighbor2Neighbor, Gaussian(25)).noisy.double()
    factor = torch.ones((), dtype=torch.float64, requires_grad=True)
    loss_of(lambda image: factor * curved(image), y).sum().backward()
    (g1_y, g2_y), (g1_f, g2_f) = (neighbours(image, pairs_in(y)) for image in (y, curved(y)))
    f, error = curved(g1_y), curved(g1_y) - g2_y
    expected = (2 * f * error + 4 * f * (error - (g1_f - g2_f))).mean(dim=(1, 2, 3)).sum()
    assert factor.grad.item() == pytest.approx(expected.item(), rel=1e-10)


def test_second_term_corrects_for_clean_differences():
    """The first term penalises a perfect network on clean slopes; the second does not."""
    slope = numbered(2, 8, 8)
    first_alone, both = (loss_of(lambda image: image, slope, progress=progress) for progress in (0.0, 1.0))
    assert (first_alone > 0.5).all()
    assert torch.equal(first_alone, both)


@pytest.mark.parametrize("shape", [(33, 34), (32, 35), (33, 35)])
def test_odd_last_rows_and_columns_are_left_out(shape: tuple[int, int]):
    y = torch.rand(2, 3, *shape, generator=rng_of(1), dtype=torch.float64)
    even = y[..., : shape[0] // 2 * 2, : shape[1] // 2 * 2]
    torch.testing.assert_close(loss_of(torch.sin, y), loss_of(torch.sin, even), rtol=1e-12, atol=0)
