"""Passes through a network: what counts as one, forward and backward."""

from __future__ import annotations

import pytest
import torch

from bench.conformance.case import small_unet
from bench.training.passes import count_passes

IMAGES = torch.rand(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))


def test_a_forward_and_a_backward_pass() -> None:
    net = small_unet(1)
    with count_passes(net) as passes:
        net(IMAGES).mean().backward()
    assert passes.over(IMAGES.numel()) == (1, 1)


def test_passes_without_gradients_and_over_parts_count_for_what_they_are() -> None:
    net = small_unet(1)
    with count_passes(net) as passes:
        with torch.no_grad():
            net(IMAGES)
        (net(IMAGES[..., :16]).mean() + net(IMAGES[:1]).detach().mean()).backward()
    assert passes.over(IMAGES.numel()) == (1.75, 0.5)


def test_an_output_that_is_used_twice_is_one_backward_pass() -> None:
    net = small_unet(1)
    with count_passes(net) as passes:
        output = net(IMAGES)
        ((output - IMAGES).square().mean() + output.mean()).backward()
    assert passes.over(IMAGES.numel()) == (1, 1)


def test_nothing_counts_after_the_block_even_if_it_raised() -> None:
    net = small_unet(1)
    with pytest.raises(RuntimeError), count_passes(net) as passes:
        raise RuntimeError
    net(IMAGES)
    assert passes.over(IMAGES.numel()) == (0, 0)
