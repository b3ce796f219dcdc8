"""Devices: which are available, and how many threads and images they get."""

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

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_the_cpu_is_always_available() -> None:
    assert open_device("cpu") == CPU
    assert "cpu" in available_devices()


@pytest.mark.parametrize("name", ["cuda:99", "meta", "gpu", "cpu:x"])
def test_an_unavailable_device_is_named_with_the_available_ones(name: str) -> None:
    with pytest.raises(InputError, match=rf"'{name}'.*this machine has: .*cpu"):
        open_device(name)


@pytest.mark.parametrize("asked", [None, "2"])
def test_threads_are_the_usable_cores_unless_their_number_is_set(
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
def test_threads_are_set_for_a_block_where_there_are_enough_cores(
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


@pytest.mark.gpu
def test_auto_chooses_cuda() -> None:
    assert open_device("auto").type == "cuda"
    assert open_device("cuda:0").type == "cuda"
