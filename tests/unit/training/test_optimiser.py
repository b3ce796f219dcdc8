"""Optimisers: the parameters of each, Muon's step beside a singular value decomposition, and their state."""

from __future__ import annotations

import math

import pytest
import torch

from bench.conformance.case import small_unet
from bench.protocol import LEARNING_RATES
from bench.training.optimiser import MULTIPLIER_RATE, WEIGHT_DECAY, Optimiser, inner_kernels
from tests.support.stepping import CPU

NAMES = ["muon", "adam"]


def made(name: str, net: torch.nn.Module, *, rate: float = 0.01, steps: int = 4) -> Optimiser:
    return Optimiser(name, net, {}, learning_rate=rate, steps=steps, device=CPU)


def with_gradients(net: torch.nn.Module, seed: int = 0) -> dict[str, torch.Tensor]:
    """Set a random gradient for every weight, and return copies of the weights."""
    rng = torch.Generator().manual_seed(seed)
    for weight in net.parameters():
        weight.grad = torch.randn(weight.shape, generator=rng)
    return {name: weight.detach().clone() for name, weight in net.named_parameters()}


def test_muon_moves_a_kernel_along_the_nearest_semi_orthogonal_matrix() -> None:
    """Newton and Schulz's five steps bring singular values to 1 within a third, and keep singular vectors."""
    net = small_unet(1)
    before = with_gradients(net)
    optimiser = made("muon", net)
    rate = optimiser.learning_rate
    optimiser.step()
    for name, weight in inner_kernels(dict(net.named_parameters())).items():
        kept = (1 - rate * WEIGHT_DECAY) * before[name]
        moved = (kept - weight.detach()).flatten(1) / rate
        left, _, right = torch.linalg.svd(weight.grad.flatten(1), full_matrices=False)
        in_their_basis = left.mT @ moved @ right.mT
        expected = max(1, moved.shape[0] / moved.shape[1]) ** 0.5
        values = in_their_basis.diagonal() / expected
        assert values.min() > 2 / 3, name
        assert values.max() < 4 / 3, name
        assert (in_their_basis - in_their_basis.diagonal().diag()).abs().max() < 0.05 * expected, name


def test_muon_trains_only_inner_kernels_and_adam_the_rest() -> None:
    net = small_unet(1)
    before = with_gradients(net)
    optimiser = made("muon", net)
    adam_rate = optimiser.optimisers[1].param_groups[0]["lr"]
    optimiser.step()
    for name, weight in net.named_parameters():
        if weight.ndim != 4 or name.startswith(("entry", "exit")):
            # Adam's first step has the size of its learning rate, whatever the gradient.
            moved = (weight.detach() - before[name]).abs()
            torch.testing.assert_close(moved, torch.full_like(moved, adam_rate), rtol=1e-3, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_the_peak_learning_rate_is_that_of_the_optimiser_and_adams_stays(name: str) -> None:
    optimiser = made(name, small_unet(1), rate=0.03, steps=100)
    rates = []
    for _ in range(100):
        rates.append([group["lr"] for part in optimiser.optimisers for group in part.param_groups])
        optimiser.step()
        optimiser.advance_schedule()
    peaks = [max(rate) for rate in zip(*rates, strict=True)]
    adam = 0.03 if name == "adam" else LEARNING_RATES["adam"]
    expected = [adam, MULTIPLIER_RATE * adam]
    assert peaks == pytest.approx([0.03, *expected] if name == "muon" else expected, rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_restored_optimiser_resumes_to_the_same_bits(name: str) -> None:
    multipliers = {"bound": torch.tensor(0.5, requires_grad=True)}
    net = small_unet(1)
    optimiser = Optimiser(name, net, multipliers, learning_rate=0.01, steps=6, device=CPU)
    expected_names = optimiser.state_names()

    def steps(optimiser: Optimiser, first: int, last: int) -> None:
        for step in range(first, last):
            with_gradients(net, seed=step)
            multipliers["bound"].grad = torch.tensor(1.0)
            optimiser.step()
            optimiser.advance_schedule()

    steps(optimiser, 0, 3)
    state = {key: value.clone() for key, value in optimiser.state().items()}
    assert {*state} == expected_names
    weights = {key: value.clone() for key, value in net.state_dict().items()}
    bound = multipliers["bound"].detach().clone()
    steps(optimiser, 3, 6)
    expected = {key: value.clone() for key, value in net.state_dict().items()}
    expected_bound = multipliers["bound"].detach().clone()

    net.load_state_dict(weights)
    with torch.no_grad():
        multipliers["bound"].copy_(bound)
    again = Optimiser(name, net, multipliers, learning_rate=0.01, steps=6, device=CPU)
    again.restore(state, step=3)
    steps(again, 3, 6)
    assert torch.equal(multipliers["bound"], expected_bound)
    assert not torch.equal(expected_bound, bound)
    assert all(torch.equal(value, expected[key]) for key, value in net.state_dict().items())


def test_muon_shrinks_kernels_and_adam_nothing() -> None:
    net = small_unet(1)
    before = with_gradients(net)
    for weight in net.parameters():
        weight.grad.zero_()
    optimiser = made("muon", net)
    rate = optimiser.learning_rate
    optimiser.step()
    inner = inner_kernels(before)
    for name, weight in net.named_parameters():
        kept = 1 - rate * WEIGHT_DECAY if name in inner else 1
        torch.testing.assert_close(weight.detach(), kept * before[name], rtol=1e-6, atol=1e-8)


def test_multipliers_rise_with_their_gradient() -> None:
    bound = torch.tensor(0.0, requires_grad=True)
    optimiser = Optimiser("muon", small_unet(1), {"bound": bound}, learning_rate=0.01, steps=4, device=CPU)
    rate = optimiser.optimisers[-1].param_groups[1]["lr"]
    bound.grad = torch.tensor(3.0)
    optimiser.step()
    assert math.isclose(bound.item(), rate, rel_tol=1e-4)
