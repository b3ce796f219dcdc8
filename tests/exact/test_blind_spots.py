"""Noise2Void compares a pixel with a prediction that does not depend on it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from bench.conformance.case import small_unet
from bench.method import Batch
from bench.noise import Gaussian
from methods.noise2void import Noise2Void
from tests.support.methods.calculus import progress_of, rng_of
from tests.support.methods.networks import Spy
from tests.support.methods.noises import batch_of


def test_no_prediction_sees_the_pixel_that_it_is_compared_with():
    method, net = Noise2Void(fraction=1e-9), small_unet(1).double()
    noisy = batch_of(method, Gaussian(25), count=20).noisy.double().requires_grad_()
    losses = method.loss(net, Batch({"noisy": noisy}, None), rng_of(), progress_of(0))
    losses.sum().backward()
    masked, _ = method.blind_spots(40, 40, count=20, rng=rng_of())
    own = noisy.grad.flatten(start_dim=1).gather(1, masked).squeeze(1)
    # The loss is (f - y)^2 at one pixel. Were f to move with y, its slope would not be 2 |f - y|.
    torch.testing.assert_close(own.abs(), 2 * losses.detach().sqrt(), rtol=1e-10, atol=0)
    assert (noisy.grad != 0).sum(dim=(1, 2, 3)).min() > 1000  # while f depends on nearly all other pixels


def test_pixels_are_masked_in_all_channels_at_once():
    method, spy = Noise2Void(), Spy(small_unet(3))
    batch = batch_of(method, Gaussian(25), channels=3)
    losses = method.loss(spy, batch, rng_of(), progress_of(0))
    masked, replacement = method.blind_spots(40, 40, count=3, rng=rng_of())
    (blinded,) = spy.seen
    noisy, shown = batch.noisy.flatten(2).numpy(), blinded.flatten(2).numpy()
    estimate = spy.net(blinded).flatten(2).detach().numpy()
    for image in range(3):
        others = np.setdiff1d(np.arange(40 * 40), masked[image])
        np.testing.assert_array_equal(shown[image][:, others], noisy[image][:, others])
        np.testing.assert_array_equal(shown[image][:, masked[image]], noisy[image][:, replacement[image]])
        error = (estimate - noisy)[image][:, masked[image]]
        assert losses[image].item() == pytest.approx((error.astype(np.float64) ** 2).mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0.02, 32), (0.00198, 3), (0.0024, 4), (1e-9, 1), (1.0, 1600)]
)
def test_number_of_blind_spots(fraction: float, expected: int):
    masked, replacement = Noise2Void(fraction=fraction).blind_spots(40, 40, count=50, rng=rng_of())
    assert masked.shape == replacement.shape == (50, expected)
    assert all(len(set(row.tolist())) == expected for row in masked)


def test_blind_spots_are_uniform_over_the_image():
    masked, _ = Noise2Void(fraction=0.1).blind_spots(8, 10, count=4000, rng=rng_of())
    assert uniform(masked.flatten().numpy(), choices=np.arange(80))


def uniform(values: np.ndarray, *, choices: np.ndarray) -> bool:
    """Check by chi-squared whether all ``choices``, and no other values, are equally frequent."""
    found, counts = np.unique(values, return_counts=True)
    return np.array_equal(found, choices) and stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize("pixel", [(4, 5), (0, 0), (0, 9), (7, 9), (7, 0), (1, 4), (3, 8), (0, 5)])
def test_replacement_is_any_neighbour_but_never_the_pixel(radius: int, pixel: tuple[int, int]):
    height, width = 8, 10
    method = Noise2Void(fraction=1.0, radius=radius)
    masked, replacement = method.blind_spots(height, width, count=5000, rng=rng_of())
    drawn = replacement[masked == pixel[0] * width + pixel[1]].numpy()
    rows, columns = np.divmod(np.arange(height * width), width)
    distance = np.maximum(abs(rows - pixel[0]), abs(columns - pixel[1]))
    assert len(drawn) == 5000
    assert uniform(drawn, choices=np.flatnonzero((distance > 0) & (distance <= radius)))


def test_pixels_count_where_their_neighbour_has_the_same_value():
    """Counts are often equal: a mask that compared values would miss these pixels."""
    flat = torch.ones(2, 3, 10, 10)
    flat[:, :, 0, 0] = 2.0
    losses = Noise2Void(fraction=1.0).loss(
        lambda image: image - image + 0.5, Batch({"noisy": flat}, None), rng_of(), progress_of(0)
    )
    expected = (99 * 0.5**2 + 1.5**2) / 100
    torch.testing.assert_close(losses, torch.full((2,), expected))
