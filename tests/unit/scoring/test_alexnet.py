"""The weights of AlexNet's convolutions: where they are looked for, and what is refused."""

from __future__ import annotations

import os
import socket
import sys
import warnings
from pathlib import Path
from urllib.error import URLError

import lpips
import pytest
import torch
from torchvision.models import alexnet

from bench.errors import InputError
from bench.scoring import alexnet as module
from bench.scoring.alexnet import FILE, SHAPES, WEIGHTS, LpipsUnavailable, load_convolutions
from bench.scoring.metrics import Lpips, load_lpips
from tests.support.alexnet import made_up_weights, write_weights

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """Begin each test with no data folder, an empty cache and no network."""
    monkeypatch.delenv("NOISEBENCH_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("torch.hub.urlopen", refuse)


@pytest.fixture
def cached(tmp_path):
    """Return where torchvision keeps its download."""
    file = tmp_path / "torch/hub/checkpoints" / Path(WEIGHTS.url).name
    file.parent.mkdir(parents=True)
    return file


def value_of(weights):
    assert {name: tuple(tensor.shape) for name, tensor in weights.items()} == SHAPES
    return weights["features.0.bias"][0].item()


def test_the_shapes_are_those_of_torchvision():
    state = alexnet(weights=None).state_dict()
    assert {name: tuple(state[name].shape) for name in state if name.startswith("features")} == SHAPES


def test_weights_are_looked_for_in_the_data_folder_then_the_cache_then_downloaded(
    monkeypatch, tmp_path, cached
):
    def download(_url, destination, *_, **__):
        torch.save(made_up_weights(4.0), destination)

    monkeypatch.setattr("torch.hub.download_url_to_file", download)
    with pytest.raises(LpipsUnavailable, match="--lpips True downloads them"):
        load_convolutions(download=False)
    assert value_of(load_convolutions(download=True)) == 4
    torch.save(made_up_weights(3.0), cached)
    assert value_of(load_convolutions(download=True)) == 3
    assert value_of(load_convolutions(download=False)) == 3
    write_weights(tmp_path / "named", 2.0, monkeypatch)
    monkeypatch.setenv("NOISEBENCH_DATA", str(tmp_path / "named"))
    assert value_of(load_convolutions(download=True)) == 2
    write_weights(tmp_path / "given", 1.0, monkeypatch)
    assert value_of(load_convolutions(tmp_path / "given", download=True)) == 1


def test_a_data_folder_without_the_weights_or_that_does_not_exist_is_passed_over(tmp_path, cached):
    torch.save(made_up_weights(3.0), cached)
    assert value_of(load_convolutions(tmp_path, download=False)) == 3
    assert value_of(load_convolutions(tmp_path / "none", download=False)) == 3


@pytest.mark.parametrize("damage", [b"", b"not a safetensors file", "flipped", "cut"])
def test_a_damaged_file_in_the_data_folder_is_refused_by_name(monkeypatch, tmp_path, cached, damage):
    torch.save(made_up_weights(3.0), cached)
    file = write_weights(tmp_path, 1.0, monkeypatch)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes({"flipped": content, "cut": content[:-4]}.get(damage, damage))
    with pytest.raises(
        InputError, match=rf"{FILE.name} does not hold.*sha256.*expected {module.SHA256[:12]}"
    ):
        load_convolutions(tmp_path, download=True)


def test_load_lpips_builds_the_network_from_cached_weights_in_silence(monkeypatch, capfd):
    weights = alexnet(weights=None).state_dict()
    hub = sys.modules["torchvision.models._api"]
    monkeypatch.setattr(hub, "load_state_dict_from_url", lambda *_, **__: weights)
    distance = load_lpips(CPU, download=True)
    image = torch.rand(1, 1, 40, 40)
    assert distance(image, image) == 0
    torch.testing.assert_close(
        distance.net.net.slice1[0].weight, weights["features.0.weight"], atol=0, rtol=0
    )
    assert not distance.net.training
    assert not any(weight.requires_grad for weight in distance.net.parameters())
    assert capfd.readouterr() == ("", "")


def test_lpips_is_what_its_package_builds(monkeypatch):
    torch.manual_seed(0)
    weights = alexnet(weights=None).state_dict()
    monkeypatch.setattr(
        sys.modules["torchvision.models._api"], "load_state_dict_from_url", lambda *_, **__: weights
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = Lpips(lpips.LPIPS(net="alex", version="0.1", verbose=False), CPU)
    pair = torch.rand(2, 1, 1, 40, 50)
    assert load_lpips(CPU, download=True)(*pair).tolist() == theirs(*pair).tolist()
    assert theirs(*pair) > 0


class Harmful:
    """What runs a command when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def test_weights_in_the_cache_are_read_and_never_run(tmp_path, cached):
    for old in (False, True):
        torch.save(Harmful(tmp_path / "marker"), cached, _use_new_zipfile_serialization=not old)
        with pytest.raises(LpipsUnavailable, match="weights of AlexNet"):
            load_lpips(CPU, download=True)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("content", [{}, {"features.0.weight": torch.ones(1)}, [1, 2]])
def test_other_weights_in_the_cache_are_refused(cached, content):
    torch.save(content, cached)
    with pytest.raises(LpipsUnavailable, match="weights of AlexNet"):
        load_lpips(CPU, download=True)


def refuse(*_, **__):
    raise URLError("no route to host")


def time_out(*_, **__):
    raise TimeoutError("timed out")


@pytest.mark.parametrize(("failure", "reason"), [(refuse, "no route to host"), (time_out, "timed out")])
def test_lpips_without_its_weights_says_why(monkeypatch, tmp_path, capfd, failure, reason):
    monkeypatch.setattr("torch.hub.urlopen", failure)
    with pytest.raises(LpipsUnavailable, match=rf"AlexNet \(https://.*\) are not available: .*{reason}"):
        load_lpips(CPU, download=True)
    assert capfd.readouterr() == ("", "")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_lpips_waits_for_a_silent_server_for_a_limited_time(monkeypatch):
    limits = []

    def note_the_limit(*_, **__):
        limits.append(socket.getdefaulttimeout())
        refuse()

    monkeypatch.setattr("torch.hub.urlopen", note_the_limit)
    before = socket.getdefaulttimeout()
    with pytest.raises(LpipsUnavailable):
        load_lpips(CPU, download=True)
    assert limits == [module.DOWNLOAD_TIMEOUT_S]
    assert socket.getdefaulttimeout() == before


def test_lpips_with_a_broken_cache_says_so(cached):
    for content in (b"", b"not a checkpoint", b"PK\x03\x04cut off"):
        cached.write_bytes(content)
        with pytest.raises(LpipsUnavailable, match="weights of AlexNet"):
            load_lpips(CPU, download=True)
