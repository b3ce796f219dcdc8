"""Devices and precision."""

from __future__ import annotations

import pytest
import torch

from bench.errors import InputError
from bench.system.devices import (
    SHARE_FOR_IMAGES,
    available_devices,
    has_room_for_images,
    open_device,
    threads,
)
from bench.training import precision
from bench.training.precision import resolve_precision

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_the_cpu_is_always_there() -> None:
    assert open_device("cpu") == CPU
    assert "cpu" in available_devices()


@pytest.mark.parametrize("name", ["cuda:99", "meta", "gpu", "cpu:x"])
def test_a_device_that_is_not_there_is_named_with_those_that_are(name: str) -> None:
    with pytest.raises(InputError, match=rf"'{name}'.*this machine has: .*cpu"):
        open_device(name)


@pytest.mark.parametrize("asked", [None, "2"])
def test_threads_are_the_cores_one_may_use_unless_one_says(
    monkeypatch: pytest.MonkeyPatch, asked: str | None
) -> None:
    cores, before = 3, torch.get_num_threads()
    monkeypatch.setattr("joblib.cpu_count", lambda only_physical_cores: cores if only_physical_cores else 99)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    try:
        open_device("cpu")
        assert torch.get_num_threads() == (before if asked else cores)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("cores", [1, 3, 8])
def test_threads_are_taken_for_a_while_where_there_are_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    before = torch.get_num_threads()
    wanted = before + 2
    monkeypatch.setattr("joblib.cpu_count", lambda: before - 1 + cores)
    with threads(wanted):
        assert torch.get_num_threads() == (before if cores == 1 else wanted)
    assert torch.get_num_threads() == before
    with pytest.raises(KeyError), threads(wanted):
        raise KeyError
    assert torch.get_num_threads() == before


def test_a_device_holds_what_leaves_room_for_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    free = 2**30
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 8 * free))
    limit = int(SHARE_FOR_IMAGES * free)
    assert has_room_for_images(CUDA, limit)
    assert not has_room_for_images(CUDA, limit + 1)
    assert 0 < limit < free
    assert has_room_for_images(CPU, 1000 * free)


def test_auto_takes_bfloat16_where_method_and_device_bear_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: True)
    assert resolve_precision("auto", lowest="bfloat16", device=CPU) == "bfloat16"
    assert resolve_precision("auto", lowest="float32", device=CPU) == "float32"
    assert resolve_precision("float32", lowest="bfloat16", device=CPU) == "float32"
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)
    assert resolve_precision("auto", lowest="bfloat16", device=CPU) == "float32"
    assert resolve_precision("bfloat16", lowest="bfloat16", device=CPU) == "bfloat16"


def test_bfloat16_is_refused_where_the_mathematics_does_not_bear_it() -> None:
    with pytest.raises(InputError, match="'bfloat16' is too low"):
        resolve_precision("bfloat16", lowest="float32", device=CPU)


@pytest.mark.gpu
def test_cuda_is_taken_by_auto() -> None:
    assert open_device("auto").type == "cuda"
    assert open_device("cuda:0").type == "cuda"
