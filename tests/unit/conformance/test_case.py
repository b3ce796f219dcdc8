"""Cases hold what a method declares, and networks in which every layer matters."""

from __future__ import annotations

import pytest
import torch

from bench.conformance.case import COUNT, SIDE, Case, draw_images, is_identical, small_unet, smooth_images
from bench.method import WithheldError
from bench.noise import Gaussian
from methods.noise2noise import Noise2Noise
from methods.unsure import Unsure


def test_the_network_uses_every_layer():
    net = small_unet(1)
    net(torch.rand(1, 1, 32, 32)).sum().backward()
    assert all(weights.grad.any() for weights in net.parameters())


def test_a_batch_holds_only_what_the_method_declares():
    batch = Case(Noise2Noise(), Gaussian(25)).batch(channels=3)
    assert set(batch.images) == {"noisy", "noisy2"}
    assert batch.noisy.shape == (COUNT, 3, SIDE, SIDE)
    with pytest.raises(WithheldError):
        _ = batch.noise
    assert Case(Unsure(), Gaussian(25)).batch().multipliers["eta"].item() == pytest.approx(0.05**2)


def test_both_noisy_copies_are_independent():
    clean = smooth_images(4, 1, 64, 64)
    images = draw_images(clean, Gaussian(25))
    first, second = ((images[name] - images["clean"]).flatten() for name in ("noisy", "noisy2"))
    assert first.std().item() == pytest.approx(25 / 255, rel=0.05)
    assert abs(torch.corrcoef(torch.stack([first, second]))[0, 1].item()) < 5 / len(first) ** 0.5


def test_nan_is_identical_to_nan_and_to_nothing_else():
    nan, zero = torch.tensor([torch.nan, 1.0]), torch.tensor([0.0, 1.0])
    assert is_identical(nan, nan.clone())
    assert not is_identical(nan, zero)
