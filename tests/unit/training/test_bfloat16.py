"""Convolutions in bfloat16 are compared with those in float32: their results, and their time."""

from __future__ import annotations

import math
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING

import pytest
import torch
from torch.nn import functional

from bench.training import bfloat16
from bench.training.bfloat16 import (
    ATTEMPTS,
    LARGEST_ERROR,
    LARGEST_SLOWDOWN,
    REPEATS,
    Bfloat16Faults,
    Convolutions,
    bfloat16_faults,
    judge,
    largest_error,
    least_slowdown,
)
from tests.support.runs import CPU

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

FINE = Bfloat16Faults("", "")


def refuse() -> float:
    raise AssertionError("wrong convolutions are not timed")


def clock(factors: Iterable[float]) -> Callable[[torch.dtype], float]:
    """Make a clock by which pairs of passes take 1 second in float32 and these times in bfloat16."""
    times = deque(chain.from_iterable((1.0, factor) for factor in factors))
    return lambda dtype: times.popleft()


def test_correct_convolutions_differ_by_rounding() -> None:
    """Of the two operands and the output, rounded to 8 bits: 2^-9 relative each, at most."""
    convolutions = Convolutions(CPU)
    assert 2**-12 < largest_error(convolutions) < LARGEST_ERROR / 2
    assert judge(largest_error(convolutions), lambda: 1.0) == FINE


def test_results_are_output_and_gradients_of_both_convolutions() -> None:
    convolutions = Convolutions(CPU)
    image, weight, spread = convolutions.tensors
    features = functional.conv2d(image, weight, padding=1)
    expected = functional.conv_transpose2d(features, spread, stride=2, padding=1)
    output, *gradients = convolutions.results(torch.float32)
    torch.testing.assert_close(output, expected)
    # The mean square is homogeneous of degree two in each tensor (Euler).
    for tensor, gradient in zip(convolutions.tensors, gradients, strict=True):
        assert (tensor * gradient).sum().item() == pytest.approx(
            2 * expected.square().mean().item(), rel=1e-4
        )
    rounded = convolutions.results(torch.bfloat16)
    assert {each.dtype for each in rounded} == {torch.float32}


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda value: 1.03 * value, "differ from float32's by 3"),
        (lambda value: 0 * value, "differ from float32's by 100"),
        (lambda value: value / 0 * 0, "fail or are not finite"),
    ],
)
def test_wrong_convolutions_are_found_in_each_result(
    monkeypatch: pytest.MonkeyPatch, number: int, change: Callable[[torch.Tensor], torch.Tensor], words: str
) -> None:
    convolutions, right = Convolutions(CPU), Convolutions.results

    def wrong(self: Convolutions, dtype: torch.dtype) -> list[torch.Tensor]:
        results = right(self, torch.float32)
        if dtype == torch.bfloat16:
            results[number] = change(results[number])
        return results

    monkeypatch.setattr(Convolutions, "results", wrong)
    faults = judge(largest_error(convolutions), refuse)
    assert faults.wrong.startswith(words)
    assert faults.slow == ""


def test_convolutions_that_raise_an_error_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("could not create a primitive")

    convolutions = Convolutions(CPU)
    exact = convolutions.results(torch.float32)
    monkeypatch.setattr(Convolutions, "results", lambda _, dtype: exact if dtype == torch.float32 else fail())
    assert largest_error(convolutions) == math.inf
    assert judge(math.inf, refuse).wrong.startswith("fail or are not finite")


@pytest.mark.parametrize(
    ("slowdown", "words"), [(1.0, ""), (1.5, ""), (1.51, "take 1.5"), (16.0, "take 16.0")]
)
def test_slow_convolutions_are_named_with_their_factor(slowdown: float, words: str) -> None:
    assert judge(0.0, lambda: slowdown) == Bfloat16Faults("", words and f"{words} times as long as float32's")


def test_one_attempt_suffices_where_bfloat16_is_fast() -> None:
    assert least_slowdown(clock([0.4] * REPEATS)) == 0.4
    assert least_slowdown(clock([LARGEST_SLOWDOWN] * REPEATS)) == LARGEST_SLOWDOWN


def test_load_on_the_machine_does_not_make_bfloat16_slow() -> None:
    """One undisturbed pass of one attempt is enough."""
    assert least_slowdown(clock([9.0] * (REPEATS - 1) + [1.2])) == 1.2
    disturbed = [9.0] * ((ATTEMPTS - 1) * REPEATS)
    assert least_slowdown(clock([*disturbed, *[9.0] * (REPEATS - 1), 1.2])) == 1.2


def test_bfloat16_that_is_always_slow_is_rejected_by_its_best_attempt() -> None:
    attempts = [[5.0] * REPEATS, [4.0] * REPEATS, [6.0] * REPEATS]
    assert len(attempts) == ATTEMPTS
    assert least_slowdown(clock(chain.from_iterable(attempts))) == 4.0


def test_a_device_is_checked_once_per_process(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = []
    monkeypatch.setattr(bfloat16, "largest_error", lambda convolutions: devices.append(convolutions) or 0.0)
    monkeypatch.setattr(bfloat16, "least_slowdown", lambda seconds: 7.0)
    bfloat16_faults.cache_clear()
    try:
        found = {bfloat16_faults(CPU), bfloat16_faults(torch.device("cpu"))}
    finally:
        bfloat16_faults.cache_clear()
    assert found == {Bfloat16Faults("", "take 7.0 times as long as float32's")}
    assert len(devices) == 1


def test_a_pass_is_timed_from_its_start_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    convolutions, order = Convolutions(CPU), []
    monkeypatch.setattr(bfloat16, "synchronise", lambda device: order.append("wait"))
    monkeypatch.setattr(Convolutions, "results", lambda self, dtype: order.append(dtype))
    monkeypatch.setattr(bfloat16.time, "perf_counter", lambda: order.append("read") or float(len(order)))
    assert convolutions.seconds(torch.bfloat16) == 3.0
    assert order == ["wait", "read", torch.bfloat16, "wait", "read"]
