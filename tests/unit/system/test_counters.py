"""Counting operations, bytes, memory and joules, against what can be worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch.nn import functional

from bench.system import counters as work
from bench.system.counters import count_joules, count_memory, count_work
from bench.training.unet import UNet

if TYPE_CHECKING:
    from pathlib import Path

CPU = torch.device("cpu")
FLOAT = 4


def test_a_matrix_product():
    left, right = torch.rand(3, 5), torch.rand(5, 7)
    counted = count_work(lambda: left @ right)
    assert counted.flops == 2 * 3 * 5 * 7
    assert counted.bytes == FLOAT * (3 * 5 + 5 * 7 + 3 * 7)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_convolution_forward_and_backward(transposed: bool):
    """With stride and border of 1, output and both gradients take 9 products per pixel and channel pair."""
    image = torch.rand(2, 3, 8, 6, requires_grad=True)
    weight = torch.rand(3, 3, 3, 3, requires_grad=True)
    convolve = functional.conv_transpose2d if transposed else functional.conv2d
    counted = count_work(lambda: convolve(image, weight, padding=1).sum().backward())
    assert counted.flops == 3 * (2 * 9 * 3 * 3) * 2 * 8 * 6
    # Forward: image, weight, result. Backward: its gradient, image and weight, and their gradients.
    pixels, weights = 2 * 3 * 8 * 6, 3 * 3 * 3 * 3
    assert counted.bytes == FLOAT * ((2 * pixels + weights) + (3 * pixels + 2 * weights))


def test_operations_that_could_be_fused_are_not_counted():
    image = torch.rand(2, 3, 8, 6)
    counted = count_work(lambda: torch.relu(image + 1).mean())
    assert counted.flops == counted.bytes == 0


def test_the_network_joins_at_four_ninths_of_the_operations():
    """Per output pixel and channel pair, the enlarged features take 4 products instead of 9."""
    net, image = UNet(1, width=48, seed=0), torch.rand(1, 1, 64, 64)
    joined = count_work(lambda: net(image)).flops
    total = 0
    size = dict.fromkeys(["entry", "last", "exit"], 64 * 64)
    for name, layer in net.named_modules():
        if isinstance(layer, torch.nn.Conv2d):
            first, _, rest = name.partition(".")
            level = int(rest.partition(".")[0]) if first in ("down", "up") else None
            pixels = (
                size.get(first)
                or {"down": 4096 >> 2 * (level or 0), "up": 16 << 2 * (level or 0), "bottom": 4}[first]
            )
            taps = 9 * layer.in_channels
            if name.endswith("join"):
                skip = 1 if first == "last" else 48
                taps = 4 * (layer.in_channels - skip) + 9 * skip
            total += 2 * taps * layer.out_channels * pixels
    assert joined == total


@pytest.mark.parametrize("count", [1, 2, 5])
def test_memory_is_what_lives_at_a_time(count: int):
    def one_after_the_other() -> None:
        for _ in range(count):
            torch.empty(1000, 1000)

    def at_a_time() -> None:
        [torch.empty(1000, 1000) for _ in range(count)]

    kept = torch.empty(1000, 1000)  # from before, and no part of it
    assert count_memory(one_after_the_other, CPU) == FLOAT * kept.numel()
    assert count_memory(at_a_time, CPU) == count * FLOAT * kept.numel()


def test_joules_are_the_difference_of_the_sockets_counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(work, "ENERGY_COUNTERS", tmp_path)
    assert count_joules(lambda: None, CPU) is None
    counters = [tmp_path / f"intel-rapl:{socket}" / "energy_uj" for socket in range(2)]
    for counter in (
        *counters,
        tmp_path / "intel-rapl:0:0" / "energy_uj",
    ):  # a part of a socket counts no second time
        counter.parent.mkdir()
        counter.write_text("1000000\n")

    def compute() -> None:
        for path in tmp_path.rglob("energy_uj"):
            path.write_text(f"{int(path.read_text()) + 1_500_000}\n")

    assert count_joules(compute, CPU) == pytest.approx(2 * 1.5)
    assert (
        count_joules(lambda: [counter.write_text("0") for counter in counters], CPU) is None
    )  # it has wrapped
