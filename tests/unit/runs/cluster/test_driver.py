"""The driver of a cluster: what it refuses before anything runs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bench.errors import InputError
from bench.runs.cluster.resources import RunResources
from tests.support.runs import CPU

pytest.importorskip("ray", reason="Ray is not installed")

from bench.runs.cluster import driver


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:none"])
def test_an_address_without_a_cluster_is_refused(address: str) -> None:
    with pytest.raises(InputError, match=f"no Ray cluster answers at '{address}'"), driver.connected(address):
        pass


def test_a_run_needs_one_node_with_room_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [
        {"Alive": True, "Resources": {"CPU": 8.0}},
        {"Alive": True, "Resources": {"CPU": 2.0, "GPU": 1.0}},
        {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}},
    ]
    monkeypatch.setattr(driver, "ray", SimpleNamespace(nodes=lambda: nodes))
    driver._require_room(RunResources("auto", CPU, cpus=2, gpus=1.0))
    with pytest.raises(
        InputError, match="4 CPUs and 1 GPUs per run; its nodes have: 8 CPUs, 0 GPUs; 2 CPUs, 1 GPUs"
    ):
        driver._require_room(RunResources("auto", CPU, cpus=4, gpus=1.0))
