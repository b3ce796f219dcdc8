"""The simulated accelerator knows devices and shapes, but no values."""

from __future__ import annotations

import pytest
import torch

from bench.conformance.accelerator import (
    ACCELERATOR,
    Generator,
    NoShapeError,
    ValueReadError,
    batch_on_accelerator,
    network_on_accelerator,
    simulate_accelerator,
)
from bench.conformance.case import Case, small_unet
from bench.noise import Gaussian
from methods.sure import Sure


def test_devices_and_shapes_are_computed():
    with simulate_accelerator():
        image = torch.ones(2, 3, device=ACCELERATOR)
        noise = torch.randn(image.shape, generator=Generator(), device=Generator().device)
        assert (image @ noise.T).shape == (2, 2)
        assert torch.where(noise > 0, 1.0, image).device == ACCELERATOR
        with pytest.raises(RuntimeError, match="device"):
            image + torch.ones(2, 3)


def test_reading_a_value_is_an_error():
    with pytest.raises(ValueReadError), simulate_accelerator():
        bool(torch.ones(1, device=ACCELERATOR) > 0)
    with pytest.raises(ValueReadError), simulate_accelerator():
        image = torch.ones(2, 3, device=ACCELERATOR)
        image[image > 0]


def test_an_operation_that_cannot_be_simulated_is_named():
    with pytest.raises(NoShapeError, match=r"aten\.binomial"), simulate_accelerator():
        image = torch.ones(2, 3, device=ACCELERATOR)
        torch.binomial(image, image / 2)


def test_a_batch_and_a_network_move_with_all_their_tensors():
    batch, net = Case(Sure(), Gaussian(25)).batch(), small_unet(1)
    with simulate_accelerator():
        moved = batch_on_accelerator(batch)
        assert (moved.noisy.shape, moved.noisy.device) == (batch.noisy.shape, ACCELERATOR)
        assert moved.noise == Gaussian(25)
        assert network_on_accelerator(net)(moved.noisy).device == ACCELERATOR
