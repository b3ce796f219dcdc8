"""Noise2Self predicts the pixels of a grid from the other pixels alone."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from torch import Tensor

from bench.conformance.case import draw_images, small_unet
from bench.method import Batch
from bench.noise import Gaussian, Noise
from bench.seeds import generator
from methods.noise2self import SPACING, Noise2Self, predict
from tests.support.methods.calculus import progress_of, rng_of
from tests.support.methods.networks import Spy, curved
from tests.support.methods.noises import batch_of, every_noise

PHASES = range(SPACING**2)
KERNEL = np.array([[0.5, 1, 0.5], [1, 0, 1], [0.5, 1, 0.5]]) / 6


def hide(y: Tensor, phase: int) -> tuple[Tensor, Tensor]:
    """Return the grid of a phase, and the image that the network is shown."""
    spy = Spy(torch.zeros_like)
    masked, _ = predict(spy, y, phase)
    (shown,) = spy.seen
    return masked, shown


def image_of(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=rng_of(seed), dtype=dtype)


def test_every_pixel_is_on_one_grid_of_sixteen():
    grids = torch.stack([hide(image_of(2, 3, 11, 8), phase)[0] for phase in PHASES])
    assert (grids.sum(dim=0) == 1).all()
    for grid in grids.numpy():
        rows, columns = np.nonzero(grid)
        assert set(np.diff(np.unique(rows))) == set(np.diff(np.unique(columns))) == {4}


def test_hidden_pixels_show_the_mean_of_their_neighbours():
    """With the published weights, and at the border those of the existing neighbours."""
    y = image_of(2, 3, 11, 8)
    correlate = partial(ndimage.correlate, weights=KERNEL[None, None], mode="constant")
    expected = correlate(y.numpy()) / correlate(np.ones(y.shape))
    for phase in PHASES:
        masked, shown = (values.numpy() for values in hide(y, phase))
        np.testing.assert_allclose(shown[..., masked], expected[..., masked], rtol=1e-12)
        np.testing.assert_array_equal(shown[..., ~masked], y.numpy()[..., ~masked])


def test_hiding_leaves_planes_unchanged():
    row, column = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    plane = (0.2 + 0.03 * row.double() - 0.01 * column.double())[None, None]
    for phase in PHASES:
        _, shown = hide(plane, phase)
        torch.testing.assert_close(shown[..., 1:-1, 1:-1], plane[..., 1:-1, 1:-1], rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_shown_image_does_not_depend_on_hidden_pixels(dtype: torch.dtype):
    y, weights = (image_of(1, 1, 9, 10, dtype=dtype, seed=seed) for seed in (0, 1))
    y.requires_grad_()
    for phase in PHASES:
        masked, shown = hide(y, phase)
        (slope,) = torch.autograd.grad((weights * shown).sum(), y)
        assert not slope[..., masked].any()  # not even by rounding
        assert (slope[..., ~masked] >= weights[..., ~masked]).all()
        assert (slope[..., ~masked] > weights[..., ~masked]).any()


def test_no_prediction_sees_the_pixels_that_it_is_compared_with():
    method, net = Noise2Self(), small_unet(3).double()
    y = batch_of(method, Gaussian(25), channels=3).noisy.double().requires_grad_()
    spy = Spy(net)
    losses = method.loss(spy, Batch({"noisy": y}, None), rng_of(), progress_of(0))
    losses.sum().backward()
    (shown,) = spy.seen
    masked = (shown != y).any(dim=1, keepdim=True).expand_as(y)
    assert (masked.sum(dim=(1, 2, 3)) == 3 * 100).all()
    errors = (y - net(shown) + shown).detach()
    # The loss is the mean of (f - y)^2 over 300 values; if f depended on them, its slope would be another.
    torch.testing.assert_close(y.grad[masked], 2 * errors[masked] / 300, rtol=1e-8, atol=1e-14)
    by_hand = (errors.square() * masked).sum(dim=(1, 2, 3)) / 300
    torch.testing.assert_close(losses.detach(), by_hand, rtol=1e-10, atol=0)


def test_all_grids_are_equally_frequent():
    y, spy = image_of(8000, 1, 4, 4), Spy(torch.zeros_like)
    Noise2Self().loss(spy, Batch({"noisy": y}, None), rng_of(1), progress_of(0))
    image, pixel = (spy.seen[0] != y).flatten(1).nonzero().unbind(dim=1)
    assert torch.equal(image, torch.arange(8000))  # one pixel of 16 in each image
    counts = torch.bincount(pixel, minlength=16).numpy()
    assert stats.chisquare(counts).pvalue > 1e-3


@every_noise
def test_loss_is_the_risk_and_the_variance_of_the_noise(noise: Noise):
    """E || f(y)_J - y_J ||^2 = E || f(y)_J - x_J ||^2 + Var y_J (proposition 1)."""
    clean = 0.2 + 0.6 * generator("clean").random((1, 1, 12, 12), dtype=np.float32)
    images = draw_images(clean.repeat(8000, axis=0), noise)
    y, x, spy = images["noisy"].double(), images["clean"].double(), Spy(lambda image: image + curved(image))
    losses = Noise2Self().loss(spy, Batch({"noisy": y}, None), rng_of(), progress_of(0))
    (shown,) = spy.seen
    expected = (curved(shown) - x).square() + noise.variance(x)
    excess = losses - 16 * ((shown != y) * expected).mean(dim=(1, 2, 3))
    limit = 5 * excess.std().item() / len(excess) ** 0.5
    assert limit < 0.2 * noise.variance(x).mean().item()  # enough draws for a meaningful test
    assert excess.mean().item() == pytest.approx(0, abs=limit)


def test_invariant_inference_does_not_depend_on_the_pixel_itself():
    """The Jacobian of the invariant denoiser has a zero diagonal, unlike that of the plain one."""
    for inference, invariant in (("invariant", True), ("plain", False)):
        denoise = partial(Noise2Self(inference=inference).denoise, curved, noise=None)
        jacobian = torch.autograd.functional.jacobian(denoise, image_of(1, 1, 7, 9)).view(63, 63)
        assert (jacobian.diagonal() == 0).all() == invariant
        assert jacobian.any(dim=1).all()


def test_invariant_inference_takes_each_pixel_from_its_own_grid():
    y, net = image_of(2, 3, 7, 9), small_unet(3).double()
    denoised = Noise2Self(inference="invariant").denoise(net, y, None)
    for phase in PHASES:
        masked, shown = hide(y, phase)
        torch.testing.assert_close(denoised[..., masked], (net(shown) - shown)[..., masked])
