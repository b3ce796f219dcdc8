"""Devices and precision."""

from __future__ import annotations

import pytest
import torch

from bench import devices
from bench.devices import available, open_device, resolve_precision
from bench.errors import InputError

CPU = torch.device("cpu")


def test_the_cpu_is_always_there() -> None:
    assert open_device("cpu") == CPU
    assert "cpu" in available()


@pytest.mark.parametrize("name", ["cuda:99", "meta", "gpu", "cpu:x"])
def test_a_device_that_is_not_there_is_named_with_those_that_are(name: str) -> None:
    with pytest.raises(InputError, match=rf"'{name}'.*this machine has: .*cpu"):
        open_device(name)


def test_auto_takes_bfloat16_where_method_and_device_bear_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_bfloat16", lambda device: True)
    assert resolve_precision("auto", borne="bfloat16", device=CPU) == "bfloat16"
    assert resolve_precision("auto", borne="float32", device=CPU) == "float32"
    assert resolve_precision("float32", borne="bfloat16", device=CPU) == "float32"
    monkeypatch.setattr(devices, "has_bfloat16", lambda device: False)
    assert resolve_precision("auto", borne="bfloat16", device=CPU) == "float32"
    assert resolve_precision("bfloat16", borne="bfloat16", device=CPU) == "bfloat16"


def test_bfloat16_is_refused_where_the_mathematics_does_not_bear_it() -> None:
    with pytest.raises(InputError, match="'bfloat16' is too low"):
        resolve_precision("bfloat16", borne="float32", device=CPU)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_is_taken_by_auto() -> None:
    assert open_device("auto").type == "cuda"
    assert open_device("cuda:0").type == "cuda"
